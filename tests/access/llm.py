"""Who may do what at the addresses of models, and what there is of Alice."""

from __future__ import annotations

import uuid
from typing import Any

from apps.accounts.models import User
from tests.access.table import SIGN_IN, Row

# Downloads are nobody's: everybody sees them, administrators begin and end them.
ROWS: tuple[Row, ...] = (
    Row("llm:servers", "get", (403, 403, SIGN_IN, 200, SIGN_IN, SIGN_IN)),
    Row("llm:api-models", "get", (200, 200, 401, 200, 401, 403), scope="models", json=True),
    Row("llm:api-pulls", "get", (200, 200, 401, 200, 401, 403), scope="models", json=True),
    Row("llm:api-pulls", "post", (403, 403, 401, 202, 401, 403), scope="models", form={"name": "phi3"}, json=True),
    Row("llm:api-pull", "get", (404, 404, 401, 404, 401, 403), scope="models", json=True),
    Row("llm:api-pull", "delete", (403, 403, 401, 404, 401, 403), scope="models", json=True),
    Row("llm:api-model", "delete", (403, 403, 401, 400, 401, 403), scope="models", json=True),
)


def things(alice: User) -> dict[str, Any]:
    """What Alice has here, by the names of the addresses' parameters."""
    return {"pull_id": uuid.UUID(int=7), "choice": "nobodys:model"}


def kept() -> list[Any]:
    """The rows of Alice, to see whether somebody has changed them."""
    return []
