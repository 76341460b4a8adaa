"""Django's admin as an installed app, with Nitro's site in the place of Django's own."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OfficeConfig(AdminConfig):
    default_site = "apps.core.office.site.NitroSite"
