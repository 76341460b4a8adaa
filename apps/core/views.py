"""Two pages for machines: is this process alive, and can it work."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.db import connection
from django.http import Http404, HttpRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis, RedisError

from apps.core import draining, proving

PROBE_SECONDS = 1.0


def database_answers() -> bool:
    """One question to PostgreSQL."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return bool(cursor.fetchone() == (1,))
    except DatabaseError:
        return False


def redis_answers() -> bool:
    """One question to Redis, on a connection of its own."""
    waits = {"socket_timeout": PROBE_SECONDS, "socket_connect_timeout": PROBE_SECONDS}
    try:
        with Redis.from_url(settings.REDIS_URL, **waits) as client:
            return bool(client.ping())
    except RedisError:
        return False


@login_not_required
@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """The process lives and handles requests."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 while requests make sense here: the database and Redis answer, and the process is not about to stop."""
    parts = {
        "database": database_answers(),
        "redis": redis_answers(),
        "accepting": not draining.is_draining(),
    }
    ready = all(parts.values())
    return JsonResponse({"status": "ok" if ready else "unavailable", **parts}, status=200 if ready else 503)


@login_not_required
@require_safe
async def probe(request: HttpRequest) -> StreamingHttpResponse:
    """Two pieces with a pause between them, for `nitro doctor` alone."""
    if not proving.is_ours(request.headers.get(proving.HEADER, "")):
        raise Http404
    headers = {proving.HEADER: "1", "Cache-Control": "no-store, no-transform"}
    return StreamingHttpResponse(
        proving.pieces(proving.seen(request)), content_type="application/x-ndjson", headers=headers
    )
