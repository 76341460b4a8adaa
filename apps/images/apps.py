from django.apps import AppConfig


class ImagesConfig(AppConfig):
    name = "apps.images"

    def ready(self) -> None:
        from apps.core import examined, retention
        from apps.core.office.bulk import register
        from apps.images import bulk
        from apps.images.retention import ORDERS, PICTURES

        retention.register(PICTURES)
        retention.register(ORDERS)
        register(bulk.CANCEL, bulk.RESTORE)
        examined.also("apps.images.diagnosis.examine")
