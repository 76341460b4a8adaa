from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        from apps.accounts import bulk
        from apps.core.office.bulk import register

        register(bulk.REVOKE, bulk.SIGN_OUT, bulk.DELETE)
