from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "apps.search"

    def ready(self) -> None:
        from apps.core import examined, retention
        from apps.search.selectors import searches_idle
        from apps.search.services import searches_expire

        retention.register(retention.Kind("searches", lambda before: searches_idle(before).count(), searches_expire))
        examined.also("apps.search.diagnosis.examine")
