"""The only module of this app that reads Django's settings: as values for the router and for a call."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from apps.llm.messages import Options
from apps.llm.settings import SMALL, Flaw, LlmSettings


def default_options() -> Options:
    """How to sample where nobody chose otherwise."""
    return Options(
        max_tokens=settings.MAX_TOKENS,
        temperature=settings.TEMPERATURE,
        top_p=settings.TOP_P,
        top_k=settings.TOP_K,
        repeat_penalty=settings.REPEAT_PENALTY,
    )


def configured() -> LlmSettings:
    """What the environment says about models."""
    return LlmSettings(
        ai_model=settings.AI_MODEL,
        ai_fallback=tuple(settings.AI_FALLBACK),
        builtin_model=settings.BUILTIN_MODEL or SMALL,
        builtin_model_url=settings.BUILTIN_MODEL_URL,
        openai_base_urls=tuple(settings.OPENAI_BASE_URL),
        openai_api_key=settings.OPENAI_API_KEY,
        openai_model=settings.OPENAI_MODEL,
        gemini_api_key=settings.GEMINI_API_KEY,
        gemini_model=settings.GEMINI_MODEL,
        gemini_base_url=settings.GEMINI_BASE_URL,
        ollama_base_url=settings.OLLAMA_BASE_URL,
        ollama_model=settings.OLLAMA_MODEL.removesuffix(":latest"),
        slots=settings.AI_SLOTS,
        redis_url=settings.REDIS_URL,
        flaws=tuple(Flaw(*flaw) for flaw in settings.MODEL_FLAWS),
        home=str(settings.NITRO_HOME),
        models_socket=str(settings.MODELS_SOCKET),
    )


def data_folder() -> Path:
    """Where a running Nitro leaves its note."""
    return Path(settings.NITRO_HOME)
