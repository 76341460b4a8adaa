"""Who may do what at the addresses and in the frames of the chat."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.access.table import SIGN_IN, Row, everybody, own, personal, program, program_own

ROWS: tuple[Row, ...] = (
    # chat: pages
    everybody("chat:offline", 200),
    personal("chat:new", 200),
    personal("chat:list", 200),
    own("chat:conversation", 200),
    personal("chat:search", 200),
    own("chat:pin", 302, "post"),
    own("chat:draw", 202, "post", text="/image a boat", id="11111111-2222-4333-8444-555555555555"),
    own("chat:rename", 200, "post", title="Mine"),
    own("chat:delete", 302, "post"),
    Row("chat:restore", "post", (302, 404, SIGN_IN, 404, SIGN_IN, SIGN_IN), names={"conversation_id": "deleted_id"}),
    own("chat:version", 302, "post", message="{message_id}"),
    own("chat:message", 200),
    personal("chat:models", 200),
    personal("chat:model-new", 200, "post"),
    own("chat:model", 200, "post"),
    personal("chat:settings-new", 200),
    personal("chat:settings-new", 200, "post", temperature="1"),
    own("chat:settings", 200),
    own("chat:settings", 200, "post", temperature="1"),
    own("chat:message-text", 200),
    # chat: pictures beside questions
    program("chat:api-attachments", 415, "post"),
    program_own("chat:api-attachment", 200),
    program_own("chat:api-attachment", 400, "delete"),
    program_own("chat:api-attachment-file", 200),
    program_own("chat:api-attachment-thumbnail", 200),
    # chat: API
    program("chat:v1-completions", 400, "post"),
    program("chat:v1-embeddings", 400, "post"),
    program("chat:v1-models", 200),
    replace(program("chat:v1-model", 404), names={"model": "choice"}),
    program("chat:api-chat", 400, "post"),
    program("chat:api-batch", 400, "post"),
    program("chat:api-conversations", 201, "post"),
    program("chat:api-conversations", 200),
    program_own("chat:api-conversation", 200),
    program_own("chat:api-conversation", 200, "patch", title="Mine"),
    program_own("chat:api-conversation", 204, "delete"),
    program_own("chat:api-messages", 200),
    program_own("chat:api-export", 200),
    program("chat:api-import", 400, "post"),
    program("chat:api-usage", 200),
)

# Frames about something of Alice, by the code that Bob, and an administrator, hear in a chat of their own.
FRAMES: dict[str, dict[str, Any]] = {
    "ask": {"id": "11111111-2222-4333-8444-555555555555", "text": "Look.", "attachments": ["{attachment_id}"]},
    "stop": {"turn": "{turn_id}"},
    "retry": {"message": "{answer_id}"},
    "edit": {"message": "{message_id}", "text": "what I never said"},
    "continue": {"turn": "{turn_id}"},
    "attach": {"turn": "{turn_id}", "after": 0},
}
HARMLESS_FRAMES: set[str] = set()  # those that name nothing that exists
