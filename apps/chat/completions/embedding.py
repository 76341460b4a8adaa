"""OpenAI's embeddings: what comes in and what goes out."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.chat.completions.errors import Unacceptable
from apps.chat.completions.ledger import ledger
from apps.chat.completions.wire import model_of
from apps.llm.events import Usage
from apps.llm.router import router

MOST_TEXTS, LONGEST = 256, 100_000
ENCODINGS = ("float", "base64")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Texts that shall become vectors."""

    model: str
    texts: tuple[str, ...]
    encoding: str = "float"


def wanted_from(body: object) -> Wanted:
    """The wish in a request's JSON. Raises `Unacceptable`."""
    if not isinstance(body, dict):
        raise Unacceptable("", "The body must be a JSON object.")
    encoding = body.get("encoding_format") or "float"
    if encoding not in ENCODINGS:
        raise Unacceptable("encoding_format", "'encoding_format' must be float or base64.")
    if body.get("dimensions") is not None:
        raise Unacceptable(
            "dimensions", "'dimensions' cannot be chosen: the model has its own.", code="unsupported_value"
        )
    return Wanted(model_of(body), _texts(body.get("input")), encoding)


def _texts(value: object) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise Unacceptable("input", "'input' must be a text or a list of texts.", code="invalid_type")
    if not 0 < len(texts) <= MOST_TEXTS or not all(0 < len(text) <= LONGEST for text in texts):
        raise Unacceptable("input", f"'input' takes 1 to {MOST_TEXTS} texts of 1 to {LONGEST:,} characters.")
    return tuple(texts)


async def embeddings(*, user: User, wanted: Wanted) -> dict[str, Any]:
    """The vectors, as JSON. Raises a `ProviderError`."""
    made = await router().embed(router().resolve(wanted.model), wanted.texts, who=str(user.pk))
    await ledger().charge(user.pk, Usage(made.tokens, 0))
    vectors = [_encoded(vector, wanted.encoding) for vector in made.vectors]
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(vectors)],
        "model": made.model,
        "usage": {"prompt_tokens": made.tokens, "total_tokens": made.tokens},
    }


def _encoded(vector: Sequence[float], encoding: str) -> object:
    """The numbers, or their 32-bit little-endian floats in base64, as OpenAI's package asks for them."""
    if encoding == "float":
        return vector
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
