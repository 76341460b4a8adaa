from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "apps.chat"

    def ready(self) -> None:
        from apps.chat import bulk
        from apps.chat.retention import CHATS
        from apps.chat.shelf import books_of_chats
        from apps.core import examined, retention
        from apps.core.office.bulk import register
        from apps.search.library import shelf_add

        shelf_add(books_of_chats)
        retention.register(CHATS)
        register(bulk.DELETE, bulk.RESTORE, bulk.LET_GO)
        examined.also("apps.chat.diagnosis.examine")
