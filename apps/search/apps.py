from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "apps.search"

    def ready(self) -> None:
        from apps.core import examined, retention
        from apps.core.office.bulk import register
        from apps.search import bulk
        from apps.search.selectors import searches_idle
        from apps.search.services import searches_hide

        retention.register(retention.Kind("searches", lambda before: searches_idle(before).count(), searches_hide))
        register(bulk.RESTORE)
        examined.also("apps.search.diagnosis.examine")
