"""What Django, its REST framework and Celery are told and nobody configures; `nitro/settings.py` takes it all over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Django -----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "apps.core.office.config.OfficeConfig",  # django.contrib.admin
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_celery_beat",
    "django_htmx",
    "csp",
    "apps.core",
    "apps.accounts",
    "apps.llm",
    "apps.images",
    "apps.voice",
    "apps.search",
    "apps.chat",
    "apps.monitor",
]
# Plain functions and Django's own: the whole chain runs in one thread, see nitro/handler.py.
MIDDLEWARE = [
    "apps.core.middleware.every_response",
    "django.middleware.security.SecurityMiddleware",
    "nitro.static_storage.StaticFiles",
    "apps.core.compression.compressed",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "apps.core.middleware.Slashes",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "nitro.urls"
ASGI_APPLICATION = "nitro.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- accounts ---------------------------------------------------------------------------------------------------------
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- what a page may do ----------------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "worker-src": ["'self'"],
        "media-src": ["'self'", "blob:"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "apps.accounts.authentication.KeyAllows",
    ],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.rendering.FastJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.bodies.SoundJSONParser"],
    "EXCEPTION_HANDLER": "apps.core.api.exception_handler",
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is for the views: a kind of export, of subtitles
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "DEFAULT_SCHEMA_CLASS": "apps.core.schema.Schema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Nitro",
    "VERSION": "1",
    "DESCRIPTION": "What the page can do, a program can do. A key goes into the header `Authorization: Bearer nk_…`.",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/(api|v1)/",
    "SORT_OPERATION_PARAMETERS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,  # the words of a choice say themselves what they are
    "POSTPROCESSING_HOOKS": [],  # else fields of equal names and different choices would need names made up for them
}

# --- Celery -----------------------------------------------------------------------------------------------------------
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers.DatabaseScheduler"  # the admin looks; nitro/beat.py has its own
CELERY_BEAT_SCHEDULE: dict[str, Any] = {
    "purge-deleted-conversations": {"task": "apps.chat.tasks.purge_deleted_conversations", "schedule": 3600.0},
    "rescue-recordings": {"task": "apps.voice.tasks.rescue", "schedule": 10.0, "options": {"expires": 30}},
    "tidy-files-of-speech": {"task": "apps.voice.tasks.tidy_files", "schedule": 86_400.0},
    "purge-deleted-recordings": {"task": "apps.voice.tasks.purge_recordings", "schedule": 3600.0},
    "purge-deleted-searches": {"task": "apps.search.tasks.purge_searches", "schedule": 3600.0},
    "expire-spoken-clips": {"task": "apps.voice.tasks.expire_clips", "schedule": 86_400.0},
    "purge-unsent-pictures": {"task": "apps.chat.tasks.purge_unsent_pictures", "schedule": 3600.0},
    "deliver-to-webhooks": {"task": "apps.accounts.tasks.deliver", "schedule": 15.0, "options": {"expires": 15}},
    "expire-deliveries-and-replays": {"task": "apps.accounts.tasks.expire", "schedule": 3600.0},
    "expire-turn-logs": {"task": "apps.chat.tasks.expire_turn_logs", "schedule": 3600.0},
    "rescue-image-jobs": {"task": "apps.images.tasks.rescue", "schedule": 10.0, "options": {"expires": 30}},
    "purge-deleted-images": {"task": "apps.images.tasks.purge", "schedule": 3600.0},
    "worker-sign-of-life": {"task": "apps.monitor.tasks.sing", "schedule": 30.0, "options": {"expires": 25}},
    "take-a-sample": {"task": "apps.monitor.tasks.sample", "schedule": 60.0, "options": {"expires": 50}},
    "clear-ended-sign-ins": {"task": "apps.monitor.tasks.clear_sessions", "schedule": 3600.0},
    "go-on-with-bulk-actions": {"task": "apps.core.tasks.work_bulk", "schedule": 15.0, "options": {"expires": 15}},
    "expire-bulk-actions": {"task": "apps.core.tasks.expire_bulk", "schedule": 3600.0},
    "tidy-temporary-files": {"task": "apps.core.tasks.tidy_temporary_files", "schedule": 3600.0},
    "tidy-image-files": {"task": "apps.images.tasks.tidy", "schedule": 86400.0},
}
# By the clock of TIME_ZONE: hour and minute. Celery is not imported here: `nitro up` reads this file and does without.
NIGHTLY = {"clean-up": ("apps.monitor.tasks.clean_up", 3, 17)}
