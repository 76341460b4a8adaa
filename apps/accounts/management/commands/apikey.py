"""`nitro apikey …`: keys for programs."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.accounts import selectors, services
from apps.accounts.models import ApiKey, Scope
from apps.core.errors import NitroError


class Command(BaseCommand):
    """create, list, revoke."""

    help = "Make keys for programs, list them, revoke them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key and print it, once, on the last line")
        create.add_argument("--user", required=True, help="for whom the program acts")
        create.add_argument("--name", required=True, help="what the key is for")
        scopes = ", ".join(Scope.values)
        create.add_argument("--scopes", nargs="+", help=f"what it may do, of: {scopes}; all but admin when left out")
        create.add_argument("--days", type=int, help="ends after so many days")
        actions.add_parser("list", help="every key that has not been revoked")
        actions.add_parser("revoke", help="end a key").add_argument("prefix", help="how it begins, as in the list")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            match action:
                case "create":
                    self.create(**{name: options[name] for name in ("user", "name", "scopes", "days")})
                case "list":
                    self.show()
                case _:
                    key = services.api_key_revoke_by_prefix(prefix=options["prefix"])
                    self.stdout.write(f"{key} is revoked.")
        except NitroError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error

    def create(self, user: str, name: str, scopes: list[str] | None, days: int | None) -> None:
        chosen = None if scopes is None else [item for part in scopes for item in part.split(",") if item]
        expires = timezone.now() + timedelta(days=days) if days else None
        owner = selectors.user_by_name(name=user)
        made = services.api_key_create(user=owner, name=name, scopes=chosen, expires=expires)
        self.stdout.write(f"A key for {user}, to be sent as `Authorization: Bearer …`. It is shown only now:")
        self.stdout.write(made.secret)

    def show(self) -> None:
        for key in ApiKey.objects.filter(revoked=None).select_related("user"):
            used = f"used {key.last_used:%Y-%m-%d %H:%M}" if key.last_used else "never used"
            ends = f"ends {key.expires:%Y-%m-%d}" if key.expires else "does not end"
            scopes = ",".join(key.scopes)
            self.stdout.write("  ".join([f"{key.prefix}…", key.user.username, key.name, scopes, used, ends]))
