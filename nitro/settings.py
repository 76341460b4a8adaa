"""The one place that reads the environment. docs/configuration.md has a heading for each name."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from nitro import embedded
from nitro.environment import Environment, SettingError, cores
from nitro.framework import *  # noqa: F403 (settings are names of this module)
from nitro.framework import BASE_DIR
from nitro.logbook import logbook
from nitro.s3 import s3_storage
from nitro.soundness import Soundness


def _outside() -> dict[str, str]:
    """The process's variables, over `.env` of the current folder."""
    return _file(Path.cwd() / ".env") | dict(os.environ)


def _environment() -> Environment:
    """What comes from outside, over `.env` of the data folder."""
    merged = _outside()
    home = Environment(merged).path("NITRO_HOME", "~/.nitro")
    return Environment(_file(home / ".env") | merged)


def _file(path: Path) -> dict[str, str]:
    """The variables of a `.env`, none where there is no such file."""
    try:
        return {name: value or "" for name, value in dotenv_values(path).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(".env", str(path), "a readable text file in UTF-8") from error


env = _environment()

# --- this installation ---------------------------------------------------------------------------------------------
NITRO_HOME = env.path("NITRO_HOME", "~/.nitro")
NITRO_ROLE = env.choice("NITRO_ROLE", "command", ("web", "worker", "command"))
NITRO_SLOT = env.text("NITRO_SLOT", "single")
WEB_WORKERS = env.integer("WEB_WORKERS", min(2, cores()), low=1, high=64)
# Names that count more than what stands in the data folder's `.env`.
SET_OUTSIDE = frozenset(os.environ if Path.cwd() == NITRO_HOME else _outside())
DEBUG_MODE = DEBUG = env.boolean("DEBUG_MODE", default=False)
LOG_LEVEL = env.choice("LOG_LEVEL", "WARNING", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOG_FORMAT = env.choice("LOG_FORMAT", "line", ("line", "json"))
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
SIGN_UP_OPEN = env.boolean("SIGN_UP_OPEN", default=False)
SENTRY_DSN = env.secret("SENTRY_DSN")
OTEL_EXPORTER_OTLP_ENDPOINT = env.url("OTEL_EXPORTER_OTLP_ENDPOINT")
OTEL_EXPORTER_OTLP_HEADERS = env.pairs("OTEL_EXPORTER_OTLP_HEADERS")
BACKUP_BEFORE_MIGRATION = env.boolean("BACKUP_BEFORE_MIGRATION", default=True)
MAX_BODY_MB = env.integer("MAX_BODY_MB", 32, low=1, high=4096)


def _secret_key() -> str:
    """SECRET_KEY, or the one made at the first start and kept in the data folder, readable by its owner alone."""
    given = env.secret("SECRET_KEY")
    if given:
        return given
    path = NITRO_HOME / "secret_key"
    try:
        NITRO_HOME.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _secret_key_write(path)
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError("NITRO_HOME", str(NITRO_HOME), "a folder that Nitro can write to") from error


def _secret_key_write(path: Path) -> None:
    """Written aside and then named, so that nobody reads half a key; of several at once the first one stays."""
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".secret_key-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_urlsafe(64))
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(aside)


SECRET_KEY = _secret_key()

# --- PostgreSQL and Redis ------------------------------------------------------------------------------------------
DB_POOL_MIN = env.integer("DB_POOL_MIN", 5, low=0, high=500)
DB_POOL_MAX = env.integer("DB_POOL_MAX", 20, low=1, high=1000)
if DB_POOL_MIN > DB_POOL_MAX:
    raise SettingError("DB_POOL_MIN", str(DB_POOL_MIN), f"at most DB_POOL_MAX, which is {DB_POOL_MAX}")
DATABASE_URL = env.url("DATABASE_URL", schemes=("postgres", "postgresql"))
REDIS_URL = env.url("REDIS_URL", schemes=("redis", "rediss", "unix"))
EMBEDDED_DATABASE, EMBEDDED_REDIS = not DATABASE_URL, not REDIS_URL
DATABASE_URL = DATABASE_URL or embedded.database_url(NITRO_HOME)
REDIS_URL = REDIS_URL or embedded.redis_url(NITRO_HOME)

DATABASES: dict[str, dict[str, Any]] = {"default": embedded.django_database(DATABASE_URL)}
DATABASES["default"] |= {
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": True,
}
# Django's own cursors never prepare a statement; the one in apps/chat/statements.py does, where the driver may.
DATABASES["default"]["OPTIONS"] |= {"connect_timeout": 3, "prepare_threshold": 5}
if NITRO_ROLE == "web":
    # A pool belongs to processes that live long and never fork; commands and Celery children open what they need.
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": DB_POOL_MIN, "max_size": DB_POOL_MAX, "timeout": 5}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHE_TTL = env.integer("CACHE_TTL", 3600, low=0, high=31_536_000)
CACHE_SHARED = env.boolean("CACHE_SHARED", default=False)
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "nitro",
        "TIMEOUT": CACHE_TTL,
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 0.25, "SOCKET_TIMEOUT": 0.25},
    }
}
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
}

# --- models ---------------------------------------------------------------------------------------------------------
sound = Soundness()
KINDS = ("builtin", "ollama", "gemini", "openai")
AI_MODEL = env.choice("AI_MODEL", "auto", ("auto", *KINDS))
AI_FALLBACK = env.choices("AI_FALLBACK", "", KINDS)
AI_SLOTS = env.counts("AI_SLOTS", KINDS, low=1, high=10_000)
BUILTIN_MODEL = env.text("BUILTIN_MODEL")
BUILTIN_MODEL_URL = env.url("BUILTIN_MODEL_URL")  # set by the supervisor for its children
MODELS_SOCKET = embedded.models_socket(NITRO_HOME)
OLLAMA_BASE_URL = sound.address("OLLAMA_BASE_URL", env.secret("OLLAMA_BASE_URL", "http://localhost:11434"))
OLLAMA_MODEL = env.text("OLLAMA_MODEL", "phi3")
GEMINI_API_KEY = sound.key("GEMINI_API_KEY", env.secret("GEMINI_API_KEY"))
GEMINI_MODEL = env.text("GEMINI_MODEL", "gemini-2.5-flash")
GEMINI_BASE_URL = sound.address("GEMINI_BASE_URL", env.secret("GEMINI_BASE_URL"))
OPENAI_BASE_URL = sound.addresses("OPENAI_BASE_URL", env.secret("OPENAI_BASE_URL").split(","))
OPENAI_API_KEY = sound.key("OPENAI_API_KEY", env.secret("OPENAI_API_KEY"))
OPENAI_MODEL = env.text("OPENAI_MODEL")
MODEL_FLAWS = [(flaw.setting, flaw.message, flaw.hint) for flaw in sound.found]
MAX_TOKENS = env.integer("MAX_TOKENS", 500, low=1, high=1_000_000)
TEMPERATURE = env.number("TEMPERATURE", 0.7, low=0, high=2)
TOP_P = env.number("TOP_P", 0.9, low=0, high=1)
TOP_K = env.integer("TOP_K", 40, low=0, high=1000)
REPEAT_PENALTY = env.number("REPEAT_PENALTY", 1.1, low=0, high=2)

# --- speech ---------------------------------------------------------------------------------------------------------
STT_ENGINE = env.choice("STT_ENGINE", "auto", ("auto", "builtin", "whisper", "openai", "google"))
STT_BASE_URL = env.url("STT_BASE_URL")
STT_API_KEY = env.secret("STT_API_KEY")
STT_MODEL = env.text("STT_MODEL")
TTS_ENGINE = env.choice("TTS_ENGINE", "auto", ("auto", "builtin", "piper", "openai", "browser"))
TTS_BASE_URL = env.url("TTS_BASE_URL")
TTS_API_KEY = env.secret("TTS_API_KEY")
TTS_MODEL = env.text("TTS_MODEL")
VOICE_LANGUAGE = env.text("VOICE_LANGUAGE", "en")
VOICE_MAX_MINUTES = env.integer("VOICE_MAX_MINUTES", 180, low=1, high=1440)

# --- web search and pages -------------------------------------------------------------------------------------------
SEARCH_KINDS = ("gemini", "brave", "searxng", "ddgs", "library")
SEARCH_ENGINE = env.choice("SEARCH_ENGINE", "auto", ("auto", *SEARCH_KINDS))
SEARXNG_URL = env.url("SEARXNG_URL")
BRAVE_API_KEY = env.secret("BRAVE_API_KEY")
FETCH_ALLOWED_PRIVATE = env.places("FETCH_ALLOWED_PRIVATE")

# --- pictures -------------------------------------------------------------------------------------------------------
IMAGE_ENGINE = env.choice("IMAGE_ENGINE", "auto", ("auto", "painter", "a1111", "openai", "gemini", "diffusers"))
IMAGE_SECONDS = env.integer("IMAGE_SECONDS", 3600, low=5, high=86_400)
A1111_BASE_URL = env.url("A1111_BASE_URL")
A1111_MODEL = env.text("A1111_MODEL")
IMAGE_OPENAI_BASE_URL = env.url("IMAGE_OPENAI_BASE_URL")
IMAGE_OPENAI_API_KEY = env.secret("IMAGE_OPENAI_API_KEY")
IMAGE_OPENAI_MODEL = env.text("IMAGE_OPENAI_MODEL", "gpt-image-1")
GEMINI_IMAGE_MODEL = env.text("GEMINI_IMAGE_MODEL")
DIFFUSION_MODEL = env.text("DIFFUSION_MODEL")
DIFFUSION_IDLE_SECONDS = env.integer("DIFFUSION_IDLE_SECONDS", 300, low=5, high=86_400)

# --- alarms ---------------------------------------------------------------------------------------------------------
PUBLIC_URL = env.url("PUBLIC_URL")
ALERT_EMAIL = env.names("ALERT_EMAIL")
ALERT_WEBHOOK_URL = env.url("ALERT_WEBHOOK_URL")
ALERT_WEBHOOK_SECRET = env.secret("ALERT_WEBHOOK_SECRET")
ALERT_LIMITS = env.counts("ALERT_LIMITS", ("cpu", "memory", "disk"), low=1, high=100)
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, low=1, high=65_535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD")
EMAIL_SECURITY = env.choice("EMAIL_SECURITY", "starttls", ("starttls", "tls", "none"))
EMAIL_USE_TLS, EMAIL_USE_SSL, EMAIL_TIMEOUT = EMAIL_SECURITY == "starttls", EMAIL_SECURITY == "tls", 10
EMAIL_FROM = DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("EMAIL_FROM", "nitro@localhost")
if ALERT_EMAIL and not EMAIL_HOST:
    raise SettingError("EMAIL_HOST", "", "set where ALERT_EMAIL is: the mail server that takes the messages")

# --- limits ---------------------------------------------------------------------------------------------------------
RATE_LIMIT_CHAT = env.rate("RATE_LIMIT_CHAT", "60/minute")
MAX_SESSIONS = env.integer("MAX_SESSIONS", 100, low=1, high=1_000_000)
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
SESSION_RETENTION_DAYS = env.integer("SESSION_RETENTION_DAYS", 30, low=0, high=36_500)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "apps.core.incoming.NamelessFiles",
]

# --- Django ---------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_FOLDER = env.text("STATIC_FOLDER")
STATIC_ROOT = Path(STATIC_FOLDER) if STATIC_FOLDER else NITRO_HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "apps.core.stored.WholeFiles", "OPTIONS": {"location": NITRO_HOME / "files"}},
    "staticfiles": {
        "BACKEND": "nitro.static_storage.HashedStaticFiles"
        if NITRO_ROLE == "web" and not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
S3_BUCKET = env.text("S3_BUCKET")
S3_ENDPOINT_URL = env.url("S3_ENDPOINT_URL")
S3_REGION = env.text("S3_REGION")
S3_ACCESS_KEY = env.secret("S3_ACCESS_KEY")
S3_SECRET_KEY = env.secret("S3_SECRET_KEY")
if S3_BUCKET:
    STORAGES["default"] = s3_storage(
        bucket=S3_BUCKET,
        endpoint=S3_ENDPOINT_URL,
        region=S3_REGION,
        access_key=S3_ACCESS_KEY,
        secret_key=S3_SECRET_KEY,
    )
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG

# --- accounts -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "/accounts/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = LOGIN_URL
SESSION_ENGINE = "apps.accounts.sessions"  # in PostgreSQL: a sign-in never lives in Redis alone
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "apps.core.pages.csrf_failure"
COOKIES_SECURE = env.boolean("COOKIES_SECURE", default=False)
TLS_CERTIFICATE = env.text("TLS_CERTIFICATE")
TLS_KEY = env.text("TLS_KEY")
if bool(TLS_CERTIFICATE) != bool(TLS_KEY):
    raise SettingError("TLS_KEY", TLS_KEY, "set together with TLS_CERTIFICATE, or neither of them")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = COOKIES_SECURE
CSRF_TRUSTED_ORIGINS = [
    f"{scheme}://{host.lstrip('.')}" for host in ALLOWED_HOSTS if host != "*" for scheme in ("http", "https")
]

# --- Celery -----------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = embedded.celery_url(REDIS_URL)

# --- log --------------------------------------------------------------------------------------------------------------
LOGGING = logbook(level=LOG_LEVEL, form=LOG_FORMAT, process=NITRO_SLOT)
