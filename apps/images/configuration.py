"""The only module of this app that reads Django's settings: as one value for the engines."""

from __future__ import annotations

from django.conf import settings

from apps.images.settings import ImageSettings


def configured() -> ImageSettings:
    """What the environment says about engines for pictures."""
    return ImageSettings(
        image_engine=settings.IMAGE_ENGINE,
        image_seconds=settings.IMAGE_SECONDS,
        a1111_base_url=settings.A1111_BASE_URL,
        a1111_model=settings.A1111_MODEL,
        image_openai_base_url=settings.IMAGE_OPENAI_BASE_URL,
        image_openai_api_key=settings.IMAGE_OPENAI_API_KEY,
        image_openai_model=settings.IMAGE_OPENAI_MODEL,
        gemini_api_key=settings.GEMINI_API_KEY,
        gemini_base_url=settings.GEMINI_BASE_URL,
        gemini_image_model=settings.GEMINI_IMAGE_MODEL,
        diffusion_model=settings.DIFFUSION_MODEL,
        diffusion_idle_seconds=settings.DIFFUSION_IDLE_SECONDS,
    )
