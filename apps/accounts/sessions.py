"""Sessions in PostgreSQL, as Django keeps them, with a stricter look at what a cookie brings."""

from __future__ import annotations

import re

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore

KEY = re.compile(r"[a-z0-9]{8,40}")


class SessionStore(DatabaseSessionStore):
    """A cookie that cannot be a session's key is no session: a NUL in it would be an error of the database."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and KEY.fullmatch(key))
