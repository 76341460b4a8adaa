from django.apps import AppConfig


class MonitorConfig(AppConfig):
    name = "apps.monitor"

    def ready(self) -> None:
        from apps.core import examined

        examined.also("apps.monitor.diagnosis.examine")
