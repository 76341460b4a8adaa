"""The page that says how the model servers do."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from apps.accounts.models import User

pytestmark = pytest.mark.django_db
FLAW = ("OLLAMA_BASE_URL", "OLLAMA_BASE_URL is 'nas:11434', which …", "Write <http://nas:11434>.")


@pytest.fixture
def admin(client: Client, settings: Settings) -> Client:
    """The browser of an administrator; one setting is wrong and no server is set up."""
    settings.MODEL_FLAWS, settings.AI_MODEL = [FLAW], "ollama"
    settings.OLLAMA_BASE_URL, settings.OPENAI_BASE_URL, settings.GEMINI_API_KEY = "", [], ""
    client.force_login(User.objects.create_user("boss", is_staff=True))
    return client


def test_a_wrong_setting_is_named_with_its_repair(admin: Client) -> None:
    page = admin.get(reverse("llm:servers")).content.decode()
    assert "OLLAMA_BASE_URL is &#x27;nas:11434&#x27;" in page
    assert "Write &lt;http://nas:11434&gt;." in page
    assert "Broken" in page


def test_it_is_never_kept(admin: Client) -> None:
    assert "no-store" in admin.get(reverse("llm:servers"))["Cache-Control"]


def test_the_settings_page_shows_it_to_administrators_alone(admin: Client, client: Client) -> None:
    assert reverse("llm:servers") in admin.get("/settings/").content.decode()
    client.force_login(User.objects.create_user("carol"))
    assert reverse("llm:servers") not in client.get("/settings/").content.decode()
