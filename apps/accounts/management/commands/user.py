"""`nitro user …`: people who may sign in."""

from __future__ import annotations

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.accounts import selectors, services
from apps.accounts.models import User
from apps.core.diagnosis import running_url
from apps.core.errors import NitroError


class Command(BaseCommand):
    """create, link, password, list."""

    help = "Make users, give them sign-in links and passwords, list them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a user and print a link that signs them in once")
        create.add_argument("name")
        create.add_argument("--admin", action="store_true", help="they may do everything")
        actions.add_parser("link", help="print a new link that signs somebody in once").add_argument("name")
        actions.add_parser("password", help="set a password; read from standard input").add_argument("name")
        actions.add_parser("list", help="everybody there is")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            getattr(self, f"user_{action}")(**{name: options[name] for name in ("name", "admin") if name in options})
        except NitroError as error:
            raise CommandError(f"{error.message} {error.hint}".strip()) from error

    def user_create(self, name: str, admin: bool) -> None:
        user = services.user_create(username=name, admin=admin)
        self.stdout.write(f"{user.username} is there.")
        self.print_link(user)

    def user_link(self, name: str) -> None:
        self.print_link(selectors.user_by_name(name=name))

    def print_link(self, user: User) -> None:
        """With the address under which people reach Nitro, as far as that is known here."""
        base = (settings.PUBLIC_URL or running_url()).rstrip("/")
        more = "" if base else " Put the address of your Nitro in front."
        self.stdout.write(f"This link signs {user.username} in once, within 15 minutes.{more}")
        self.stdout.write(base + services.sign_in_link_create(user=user))

    def user_password(self, name: str) -> None:
        user = selectors.user_by_name(name=name)
        password = getpass.getpass("New password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        services.password_set(user=user, password=password)
        self.stdout.write(f"{user.username} has a new password and is signed out everywhere.")

    def user_list(self) -> None:
        for user in User.objects.order_by("username"):
            marks = [word for word, true in (("admin", user.is_superuser), ("off", not user.is_active)) if true]
            seen = f"signed in {user.last_login:%Y-%m-%d %H:%M}" if user.last_login else "never signed in"
            self.stdout.write("  ".join([user.username, seen, *marks]))
