"""Who may do what at the addresses of signing in and of the settings page."""

from __future__ import annotations

from tests.access.table import Row, everybody, own, personal, program, program_own

ROWS: tuple[Row, ...] = (
    # accounts
    Row("accounts:sign-in", "get", (302, 302, 200, 302, 200, 200)),
    everybody("accounts:sign-up", 404),
    everybody("accounts:sign-up", 404, "post"),
    Row(
        "accounts:link", "get", (302, 302, 302, 302, 410, 302)
    ),  # whoever holds the link; not to an account that is off
    personal("accounts:sign-out", 302, "post"),
    personal("accounts:sign-out", 405, "get"),
    personal("accounts:theme", 204, "post", theme="dark"),
    personal("accounts:settings", 200),
    personal("accounts:settings", 302, "post", theme="dark"),
    personal("accounts:password", 400, "post"),
    personal("accounts:key-create", 400, "post"),
    personal("accounts:sign-out-everywhere", 302, "post"),
    own("accounts:key-revoke", 302, "post"),
    personal("accounts:hook-create", 400, "post"),
    own("accounts:hook-delete", 302, "post"),
    program("accounts:api-webhooks", 200),
    program("accounts:api-webhooks", 400, "post"),
    program_own("accounts:api-webhook", 200),
    program_own("accounts:api-webhook", 204, "delete"),
)
