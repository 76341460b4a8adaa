"""Downloads in Django's admin."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.llm import services
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    made = Client()
    made.force_login(cast.admin())
    return made


def test_downloads_are_listed_with_a_fixed_number_of_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        services.pull_start(user=cast.admin(), name=f"model-{number}")
    with django_assert_max_num_queries(8):
        page = client.get("/admin/llm/pull/").content.decode()
    assert "model-19" in page


def test_a_download_can_be_looked_at_and_not_changed(client: Client) -> None:
    pull = services.pull_start(user=cast.admin(), name="phi3")
    page = client.get(f"/admin/llm/pull/{pull.pk}/change/").content.decode()
    assert "phi3" in page
    assert 'name="_save"' not in page
    assert client.get("/admin/llm/pull/add/").status_code == 403
