"""The page of the API shows everything there is, to everybody, and lets who is signed in try it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client

from apps.core.documentation import chapters, description
from apps.core.specimen import fields_of, kind_of, specimen
from tests import cast

pytestmark = pytest.mark.django_db
SCHEMAS: dict[str, Any] = {
    "Bread": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "kind": {"enum": ["rye", "wheat"], "type": "string", "description": "Of flour."},
            "slices": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "inner": {"$ref": "#/components/schemas/Bread"},
        },
        "required": ["id"],
    }
}
BREAD = {"$ref": "#/components/schemas/Bread"}


def page(client: Client) -> str:
    response = client.get("/api/docs/")
    assert response.status_code == 200
    return response.content.decode()


def test_every_operation_is_on_the_page() -> None:
    text = page(Client())
    for path, methods in description()["paths"].items():
        for method in methods:
            assert f'data-method="{method.upper()}" data-path="{path}"' in text


def test_only_who_is_signed_in_can_try() -> None:
    client = Client()
    assert "Try it" not in page(client)
    client.force_login(cast.alice())
    assert "Try it" in page(client)


def test_nothing_on_it_is_inline_or_from_elsewhere() -> None:
    text = page(Client())
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=|(?:src|href)=\"https?:", text)


def test_every_body_to_begin_with_is_json() -> None:
    for chapter in chapters():
        for operation in chapter.operations:
            assert not operation.body or json.loads(operation.body) is not None


def test_a_specimen_has_every_field_and_ends_where_shapes_hold_themselves() -> None:
    made = specimen(BREAD, SCHEMAS)
    assert (made["kind"], made["slices"]) == ("rye", [1])
    assert made["inner"]["inner"]["inner"]["inner"]["inner"] == {}


def test_fields_say_what_they_are() -> None:
    first, second, third, fourth = fields_of(BREAD, SCHEMAS)
    assert (first.kind, first.required) == ("UUID", True)
    assert (second.kind, second.note, second.required) == ("rye | wheat", "Of flour.", False)
    assert third.kind == "list of integer"
    assert fourth.kind == kind_of(BREAD, SCHEMAS) == "object"


def test_what_wants_a_file_is_a_form_on_the_page() -> None:
    client = Client()
    client.force_login(cast.alice())
    text = page(client)
    form = text[text.index('data-path="/api/attachments/"') :].partition("</form>")[0]
    assert re.search(r'<input name="part:file" type="file" required>', form)
    assert "Try it" in form
    wanted = [one for chapter in chapters() for one in chapter.operations if one.parts]
    assert {"/api/attachments/", "/api/voice/transcribe/", "/v1/audio/transcriptions"} <= {one.path for one in wanted}
    assert all(any(part.kind == "file" for part in one.parts) and not one.body for one in wanted)
