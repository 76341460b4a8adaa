from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "apps.images"

    def ready(self) -> None:
        from apps.core import retention
        from apps.images.retention import ORDERS, PICTURES

        retention.register(PICTURES)
        retention.register(ORDERS)
