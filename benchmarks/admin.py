"""The admin's lists, searches and filters over a million messages: `python -m benchmarks.admin [--messages N]`.

Fills a database of its own with generate_series, looks at every page some times through Django's own client, and prints
a table. The longest statement that a page asked stands beside it, so that a scan of a whole table would be seen.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nitro.embedded.postgres import Postgres
from nitro.embedded.redis import Redis
from nitro.process import end, spawn, wait_until

REPEATS = 5
PER_CHAT = 10
PEOPLE = 1000
FILL = (
    "INSERT INTO nitro_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, "
    "date_joined, theme, system_prompt, session_epoch) "
    "SELECT '', false, 'person-' || n, '', '', '', false, true, now(), "
    "'system', '', 0 FROM generate_series(1, %(people)s) n",
    "INSERT INTO chat_conversation (id, owner_id, title, model, options, system_prompt, created_at, updated_at, "
    "deleted_at) "
    "SELECT gen_random_uuid(), (SELECT min(id) FROM nitro_user WHERE username LIKE 'person-%%') + n %% %(people)s, "
    "'Chat ' || n, '', '{}', '', now() - n * interval '1 minute', now() - n * interval '50 seconds', "
    "CASE WHEN n %% 200 = 0 THEN now() END FROM generate_series(1, %(chats)s) n",
    "INSERT INTO chat_message (id, conversation_id, position, role, text, reasoning, html, html_version, "
    "attachment_ids, tool_calls, created_at) SELECT gen_random_uuid(), c.id, k, "
    "CASE k %% 2 WHEN 0 THEN 'user' ELSE 'assistant' END, "
    "'Some words about lighthouses, number ' || k, '', '', 0, '{}', '[]', c.created_at + k * interval '1 second' "
    "FROM chat_conversation c CROSS JOIN generate_series(0, %(per_chat)s - 1) k",
    "INSERT INTO chat_turn (id, conversation_id, question_id, answer_id, kind, request_id, state, finish_reason, "
    "owner, stop_requested, base_length, marks, choice, provider, model, fallback_from, cached, error_code, "
    "error_message, error_hint, dropped_messages, created_at) "
    "SELECT gen_random_uuid(), q.conversation_id, q.id, a.id, 'ask', "
    "gen_random_uuid(), CASE WHEN random() < 0.001 THEN 'failed' ELSE 'done' END, 'stop', '', false, 0, '{}', '', "
    "'builtin', 'smollm2', '', false, '', '', '', 0, q.created_at FROM chat_message q JOIN chat_message a "
    "ON a.conversation_id = q.conversation_id AND a.position = q.position + 1 WHERE q.role = 'user'",
    "ANALYZE nitro_user, chat_conversation, chat_message, chat_turn",
)
PAGES = (
    ("conversations", "/admin/chat/conversation/"),
    ("… last page there is", "/admin/chat/conversation/?p={page}"),
    ("… of a name's beginning", "/admin/chat/conversation/?q=person-12"),
    ("… by id", "/admin/chat/conversation/?q={chat}"),
    ("… deleted", "/admin/chat/conversation/?state=deleted"),
    ("… used in the last week", "/admin/chat/conversation/?updated_at__gte={week}"),
    ("… one of them", "/admin/chat/conversation/{chat}/change/"),
    ("turns", "/admin/chat/turn/"),
    ("… failed", "/admin/chat/turn/?state__exact=failed"),
    ("… running", "/admin/chat/turn/?state__exact=running"),
    ("… of a chat", "/admin/chat/turn/?q={chat}"),
    ("… of a name's beginning", "/admin/chat/turn/?q=person-12"),
    ("… of the last week", "/admin/chat/turn/?created_at__gte={week}"),
    ("users", "/admin/accounts/user/"),
    ("the first page, with its board", "/admin/"),
)


@contextmanager
def services() -> Iterator[None]:
    """PostgreSQL and Redis on a folder of their own, gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="nitro-admin-"))
    home.chmod(0o755)
    os.environ |= {"NITRO_HOME": str(home), "DJANGO_SETTINGS_MODULE": "nitro.settings"}
    (home / "static").mkdir()
    started = []
    try:
        for service in (Postgres(home, durable=False), Redis(home)):
            service.prepare()
            with (home / f"{service.name}.log").open("wb") as log:
                child = spawn(service.program(), log)
            started.append((service, child))
            assert wait_until(service.ready, 60.0), service.name
        yield
    finally:
        for service, child in reversed(started):
            program = service.program()
            end(child, program.stop_signal, program.grace)
        shutil.rmtree(home, ignore_errors=True)


def fill(messages: int) -> dict[str, str]:
    """Make the rows, then name a chat and a day for the pages."""
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    values = {"people": PEOPLE, "chats": messages // PER_CHAT, "per_chat": PER_CHAT}
    with connection.cursor() as cursor:
        for statement in FILL:
            began = time.perf_counter()
            cursor.execute(statement, values)
            print(f"  {statement.split(' (')[0][:40]:<40} {time.perf_counter() - began:7.1f} s", flush=True)
        cursor.execute("SELECT id::text, (now() - interval '7 days')::date::text FROM chat_conversation LIMIT 1")
        chat, week = cursor.fetchone()
    return {
        "page": str(min(100, messages // PER_CHAT // 50)),
        "chat": chat,
        "week": f"{week}%2000:00:00%2B00:00",
    }


def measure(names: dict[str, str]) -> None:
    """Each page some times: the median and the worst, its statements, and the longest of them once."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from apps.accounts import services

    client = Client()
    client.force_login(services.user_create(username="admin", admin=True))
    print(f"{'page':<32} {'median':>9} {'worst':>9} {'queries':>8} {'slowest query':>14}")
    for title, pattern in PAGES:
        address, took = pattern.format(**names), []
        client.get(address)
        for _ in range(REPEATS):
            began = time.perf_counter()
            assert client.get(address).status_code == 200, address
            took.append((time.perf_counter() - began) * 1000)
        with CaptureQueriesContext(connection) as asked:
            client.get(address)
        slowest = max(float(query["time"]) for query in asked) * 1000
        print(f"{title:<32} {statistics.median(took):6.0f} ms {max(took):6.0f} ms {len(asked):>8} {slowest:>11.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    given = parser.parse_args()
    with services():
        import django

        django.setup()
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        names = fill(given.messages)
        measure(names)


if __name__ == "__main__":
    main()
