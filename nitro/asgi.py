"""Where daphne enters: pages and API over HTTP, chat over websockets."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
django.setup(set_prefix=False)

# Consumers import models, so they come after Django is set up.
from nitro.handler import OneThreadHandler  # noqa: E402
from nitro.routing import build  # noqa: E402

application = build(OneThreadHandler())
