from django.apps import AppConfig

from apps.core import examined


class LlmConfig(AppConfig):
    name = "apps.llm"

    def ready(self) -> None:
        examined.also("apps.llm.diagnosis.examine")
