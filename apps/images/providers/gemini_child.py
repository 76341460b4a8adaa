"""The process that knows `google-generativeai`: orders as JSON on its input, frames with pictures on its output."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from apps.images.providers import frames

SECONDS = 240.0


class Told(Exception):
    """What went wrong, in a sentence and with a hint."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint


def main() -> None:
    """Draw what is ordered until the input ends."""
    warnings.simplefilter("ignore")
    for line in sys.stdin.buffer:
        try:
            frames.write(sys.stdout.buffer, {"picture": True}, drawn(json.loads(line)))
        except Told as told:
            frames.write(sys.stdout.buffer, {"error": str(told), "hint": told.hint})


def drawn(order: dict[str, Any]) -> bytes:
    """The first picture in Gemini's answer. Raises `Told`."""
    import requests
    from google.ai.generativelanguage import GenerativeServiceClient
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    options = {"api_key": order["key"], "api_endpoint": order["base_url"] or None}
    try:
        client = GenerativeServiceClient(transport="rest", client_options=options)
        answer = client.generate_content(request(order), retry=None, timeout=SECONDS)
    except (requests.RequestException, GoogleAuthError, OSError, ValueError) as error:
        raise Told("No connection to Gemini, or it broke.", "Check GEMINI_BASE_URL and the network.") from error
    except GoogleAPIError as error:
        raise failure(error, order["key"]) from error
    return picture_in(answer)


def request(order: dict[str, Any]) -> Any:
    """The order as Gemini wants it."""
    from google.ai import generativelanguage as wire

    modality = wire.GenerationConfig.Modality
    return wire.GenerateContentRequest(
        model=f"models/{order['model'].removeprefix('models/')}",
        contents=[wire.Content(role="user", parts=[wire.Part(text=order["prompt"])])],
        generation_config=wire.GenerationConfig(response_modalities=[modality.TEXT, modality.IMAGE]),
    )


def failure(error: Any, key: str) -> Told:
    """The error of the library in our words; the key never stands in it."""
    status = getattr(error, "code", None)
    said = " ".join(str(getattr(error, "message", "")).replace(key, "…").split())[:300]
    hint = "Check GEMINI_API_KEY." if status in {401, 403} or "API key" in said else ""
    return Told(f"Gemini answered with error {int(status or 0)}: {said}", hint)


def picture_in(answer: Any) -> bytes:
    """The first picture of an answer; raises `Told` with what was said in its place."""
    for part in _parts(answer):
        if part.inline_data.data and part.inline_data.mime_type.startswith("image/"):
            return bytes(part.inline_data.data)
    said = " ".join(" ".join(part.text for part in _parts(answer)).split())[:300]
    reason = str(answer.prompt_feedback.block_reason.name) if answer.prompt_feedback.block_reason else ""
    told = said or (f"it was blocked ({reason})" if reason else "it does not say why")
    raise Told(f"Gemini drew no picture: {told}", "Put the description in other words.")


def _parts(answer: Any) -> Iterator[Any]:
    for candidate in answer.candidates:
        yield from candidate.content.parts


if __name__ == "__main__":
    main()
