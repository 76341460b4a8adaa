from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "apps.core"

    def ready(self) -> None:
        from apps.core import checks  # noqa: F401 (registers them)
        from apps.core.office import bulk, sheets

        bulk.register(bulk.Kind("export", "Export as CSV", sheets.write, at_once=2000))
