from django.apps import AppConfig


class VoiceConfig(AppConfig):
    name = "apps.voice"

    def ready(self) -> None:
        from apps.core import examined, retention
        from apps.core.office.bulk import register
        from apps.voice import bulk
        from apps.voice.retention import CLIPS, RECORDINGS

        retention.register(RECORDINGS)
        retention.register(CLIPS)
        register(bulk.RESTORE)
        examined.also("apps.voice.diagnosis.examine")
