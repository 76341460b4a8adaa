"""What `nitro doctor --performance` looks at: each thing that makes Nitro fast, whether it is on, and what it gives."""

from __future__ import annotations

import ipaddress
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve

from apps.core import diagnosis
from apps.core.fingerprint import this_machine
from apps.core.last_bench import Gain, LastBench, last_bench

State = Literal["on", "off", "elsewhere"]
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
GUIDE_TOKENS, QUIET_LEVELS = 500, {"WARNING", "ERROR", "CRITICAL"}
LATE_LIBRARIES = ("ollama", "google.generativeai", "ddgs", "faster_whisper", "diffusers", "torch")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found. `elsewhere` is for what is no switch, or left out on purpose; `hint` says what to do."""

    state: State
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the list. `scenarios` of `nitro bench` measure what it gives."""

    name: str
    look: Callable[[], Seen]
    scenarios: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """An item as it stands here."""

    item: str
    seen: Seen
    gains: list[Gain] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The shape that programs read."""
        gains = [gain.as_dict() for gain in self.gains]
        return {
            "item": self.item,
            "state": self.seen.state,
            "message": self.seen.message,
            "hint": self.seen.hint,
            "gains": gains,
        }


def either(good: object, message: str, bad: str, hint: str) -> Seen:
    """On with one message, or off with another and a hint."""
    return Seen("on", message) if good else Seen("off", bad, hint)


# --- the settings ----------------------------------------------------------------------------------------------------


def production() -> Seen:
    found = f"DEBUG_MODE is {str(settings.DEBUG_MODE).lower()}, LOG_LEVEL is {settings.LOG_LEVEL}."
    good = not settings.DEBUG_MODE and settings.LOG_LEVEL in QUIET_LEVELS
    return either(good, found, found, "Set DEBUG_MODE=false and LOG_LEVEL=WARNING.")


def tokens() -> Seen:
    found = f"Answers end after {settings.MAX_TOKENS:,} tokens."
    return either(settings.MAX_TOKENS <= GUIDE_TOKENS, found, found, f"Set MAX_TOKENS={GUIDE_TOKENS} or less.")


def local_model() -> Seen:
    kind = settings.AI_MODEL
    if kind == "auto":
        kind = "openai" if settings.OPENAI_BASE_URL else "gemini" if settings.GEMINI_API_KEY else "local"
    urls = {"ollama": [settings.OLLAMA_BASE_URL], "openai": settings.OPENAI_BASE_URL}.get(kind, [])
    near = kind != "gemini" and all(is_near(url) for url in urls)
    hint = "Let a model on this machine or in its network answer: AI_MODEL=ollama, or builtin."
    good = f"AI_MODEL is {settings.AI_MODEL}: answers come from this machine or its network."
    return either(near, good, f"AI_MODEL is {settings.AI_MODEL}: answers come from far away.", hint)


def reply_cache() -> Seen:
    ttl = settings.CACHE_TTL
    return either(ttl, f"Answers are remembered for {ttl:,} s.", "No answer is remembered.", "Set CACHE_TTL=3600.")


def rate_limit() -> Seen:
    return Seen("on", f"Everybody may ask {settings.RATE_LIMIT_CHAT.replace('/', ' times a ')}.")


def pool() -> Seen:
    low, high = settings.DB_POOL_MIN, settings.DB_POOL_MAX
    found = f"Each web process keeps {low} to {high} connections to PostgreSQL."
    return either(low and high > 1, found, found, "Set DB_POOL_MIN=5 and DB_POOL_MAX=20.")


def web_processes() -> Seen:
    count, cores = settings.WEB_WORKERS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    found = f"{count} web process{'' if count == 1 else 'es'} on {cores} core{'' if cores == 1 else 's'}."
    return either(count > 1 or cores == 1, found, found, "Set WEB_WORKERS=2 or more, or start with `--workers 2`.")


def session_limit() -> Seen:
    return Seen("on", f"At most {settings.MAX_SESSIONS:,} chats are open at once; the idlest makes room.")


def cleanup() -> Seen:
    days = settings.SESSION_RETENTION_DAYS
    bad = "Chats are kept for ever."
    return either(
        days, f"Chats that nobody used for {days} days are cleaned up.", bad, "Set SESSION_RETENTION_DAYS=30."
    )


def errors_told() -> Seen:
    return either(
        settings.SENTRY_DSN,
        "Faults are told to SENTRY_DSN.",
        "Nobody outside is told of faults; the log has them.",
        "Set SENTRY_DSN, where a second pair of eyes is wanted.",
    )


def traced() -> Seen:
    return either(
        settings.OTEL_EXPORTER_OTLP_ENDPOINT,
        "What took how long is told to OTEL_EXPORTER_OTLP_ENDPOINT, request by request.",
        "No single request is traced.",
        "Set OTEL_EXPORTER_OTLP_ENDPOINT, where a collector runs; /performance/ shows slow addresses without it.",
    )


# --- what runs and what lies on the disk -----------------------------------------------------------------------------


def redis() -> Seen:
    found = diagnosis.redis()
    return either(found.ok, found.message, found.message, found.hint)


def compression() -> Seen:
    is_there = "apps.core.compression.compressed" in settings.MIDDLEWARE
    return either(is_there, "Responses are sent as Brotli or gzip.", "Responses are sent as they are.", "Update Nitro.")


def lazy() -> Seen:
    early = [name for name in LATE_LIBRARIES if name in sys.modules]
    said = f"Loaded at the start already: {', '.join(early)}."
    return either(not early, "Libraries of models are loaded when they are needed.", said, "Update Nitro.")


def static_files() -> Seen:
    good = "Styles and scripts carry a hash in their names and lie there compressed."
    bad = f"{settings.STATIC_ROOT} holds no compressed styles and scripts yet."
    return either(has_compressed(settings.STATIC_ROOT), good, bad, "Start Nitro once, or run `nitro prepare`.")


def orjson() -> Seen:
    return either(
        find_spec("orjson"), "JSON is written by orjson.", "orjson is missing.", "Install Nitro's packages anew."
    )


def served(path: str, good: str) -> Callable[[], Seen]:
    """An item that is there when an address is."""

    def look() -> Seen:
        try:
            resolve(path)
        except Resolver404:
            return Seen("off", f"{path} is not there.", "Update Nitro.")
        return Seen("on", good)

    return look


def container() -> Seen:
    if any(mark.exists() for mark in CONTAINER_MARKS):
        return Seen("on", "Nitro runs in a container.")
    return Seen("elsewhere", "Nitro runs without a container; the Dockerfile builds an image in two stages.")


def alerts() -> Seen:
    told = [name for name in ("ALERT_EMAIL", "ALERT_WEBHOOK_URL") if getattr(settings, name)]
    hint = "Set ALERT_EMAIL or ALERT_WEBHOOK_URL, or load deploy/prometheus/alerts.yml."
    good = f"A full disk, memory or processor and what fails are told by {' and '.join(told)}."
    return either(told, good, "Alarms stand on the page alone; nobody is told.", hint)


def cdn() -> Seen:
    return Seen("elsewhere", "Nothing is loaded from foreign hosts, on purpose.")


def load_tests() -> Seen:
    return Seen("elsewhere", "`nitro bench --load laptop`, server or cloud lets simulated people in.")


ITEMS = (
    Item("production mode", production, ("debug-page", "debug-answer")),
    Item("token limit", tokens, ("tokens-500", "tokens-100")),
    Item("local model", local_model, ("local",)),
    Item("production image", container, ("docker-image",)),
    Item("Redis", redis),
    Item("reply cache", reply_cache, ("cache-chat", "single-flight", "image-cached", "search-cached")),
    Item("rate limit", rate_limit),
    Item("compression", compression, ("gzip-bytes", "brotli-bytes", "gzip-time", "brotli-time")),
    Item("lazy loading", lazy, ("lazy-import",)),
    Item("connection pool", pool, ("pool",)),
    Item("web processes", web_processes, ("workers", "workers-guide")),
    Item(
        "streaming", served("/api/chat/", "Answers are streamed word by word."), ("stream", "voice-said", "voice-heard")
    ),
    Item("batching", served("/api/chat/batch/", "POST /api/chat/batch/ answers many at once."), ("batch",)),
    Item("orjson", orjson, ("orjson-write", "orjson-read")),
    Item("static files", static_files),
    Item("CDN", cdn),
    Item("metrics", served("/metrics", "/metrics and /performance/ tell times, memory and load.")),
    Item("alerts", alerts),
    Item("traces", traced),
    Item("fault reports", errors_told),
    Item("cleanup", cleanup),
    Item("session limit", session_limit),
    Item("load tests", load_tests),
)


@dataclass(frozen=True, slots=True)
class Checklist:
    """All lines, and what is known of the bench whose gains stand in them."""

    lines: list[Line]
    bench: LastBench

    def as_dict(self) -> dict[str, Any]:
        """The shape that programs read."""
        return {
            "bench": {"made_at": self.bench.made_at, "problem": self.bench.problem},
            "items": [line.as_dict() for line in self.lines],
        }


def checklist() -> Checklist:
    """Look at everything."""
    bench = last_bench(settings.NITRO_HOME, str(this_machine()["fingerprint"]))
    return Checklist([Line(item.name, item.look(), bench.of(item.scenarios)) for item in ITEMS], bench)


def is_near(url: str) -> bool:
    """Whether an address is of this machine or of its network; names without a dot are."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".lan", ".internal"))


def has_compressed(folder: Path) -> bool:
    """Whether hashed names are known there, and one of the files lies beside its Brotli."""
    try:
        paths = json.loads((folder / "staticfiles.json").read_text(encoding="utf-8"))["paths"].values()
    except (OSError, ValueError, LookupError, AttributeError):
        return False
    return any((folder / f"{path}.br").exists() for path in paths)
