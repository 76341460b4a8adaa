"""Makes people with a key each in the database of a benchmark: `python -m benchmarks.keys 100` prints a JSON list."""

from __future__ import annotations

import json
import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nitro.settings")
    django.setup()
    from django.db import transaction

    from apps.accounts.models import User
    from apps.accounts.services import api_key_create
    from benchmarks.rows import people

    with transaction.atomic():
        people(int(sys.argv[1]))
        users = User.objects.filter(username__startswith="bench").order_by("pk")[: int(sys.argv[1])]
        secrets = [api_key_create(user=user, name="benchmark").secret for user in users]
    print(json.dumps(secrets))


if __name__ == "__main__":
    main()
