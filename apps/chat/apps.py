from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "apps.chat"

    def ready(self) -> None:
        from apps.chat.retention import CHATS
        from apps.chat.shelf import books_of_chats
        from apps.core import examined, retention
        from apps.search.library import shelf_add

        shelf_add(books_of_chats)
        retention.register(CHATS)
        examined.also("apps.chat.diagnosis.examine")
