"""OpenAI's wire for pictures, `POST /images/generations`: OpenAI itself, LocalAI and others."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import aiohttp

from apps.images.errors import EngineAway, EngineGarbled
from apps.images.orders import Limits
from apps.images.providers.automatic1111 import decoded
from apps.images.providers.base import Engine, Report, Sheet, Sketch
from apps.images.providers.http import Line, body_of
from apps.images.settings import ImageSettings

SIZES = {
    "gpt-image": ((1024, 1024), (1536, 1024), (1024, 1536)),
    "dall-e-3": ((1024, 1024), (1792, 1024), (1024, 1792)),
    "dall-e-2": ((256, 256), (512, 512), (1024, 1024)),
}
FETCH_SECONDS = 60.0


class OpenAIImages(Engine):
    """A server with OpenAI's endpoint for pictures. It tells no progress and takes no seed."""

    kind = "openai"

    def __init__(self, base_url: str, key: str, model: str) -> None:
        self.base_url = base_url
        self.model = model
        self.line = Line("image server", {"Authorization": f"Bearer {key}"} if key else {})
        known = next((sizes for name, sizes in SIZES.items() if model.startswith(name)), ())
        self.limits = Limits(largest_side=2048, sizes=known, room=2, abreast=2, takes_negative=False, takes_steps=False)

    async def draw(self, sheet: Sheet, report: Report) -> bytes:
        report(Sketch(0.05, note="Sent to the image server"))
        order: dict[str, Any] = {
            "model": self.model,
            "prompt": sheet.prompt,
            "n": 1,
            "size": f"{sheet.width}x{sheet.height}",
        }
        if not self.model.startswith("gpt-image"):  # these always answer so, and refuse to be asked
            order["response_format"] = "b64_json"
        answer = await self.line.ask("POST", f"{self.base_url}/images/generations", order)
        return await self._picture(answer)

    async def _picture(self, answer: Any) -> bytes:
        data = answer.get("data") if isinstance(answer, dict) else None
        found = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else {}
        if isinstance(found.get("b64_json"), str):
            return decoded(found["b64_json"])
        if isinstance(found.get("url"), str):
            return await self._fetched(found["url"])
        raise EngineGarbled("The image server sent no picture.")

    async def _fetched(self, url: str) -> bytes:
        """A picture that lies at the server itself. Other hosts are not visited: only the administrator names hosts."""
        if urlsplit(url)[:2] != urlsplit(self.base_url)[:2]:
            raise EngineGarbled("The image server wants us to fetch the picture from another host.")
        limits = aiohttp.ClientTimeout(total=FETCH_SECONDS)
        try:
            async with self.line.session().get(url, timeout=limits, allow_redirects=False) as response:
                if response.status != 200:
                    raise EngineGarbled("The image server does not have the picture that it named.")
                return await body_of(response)
        except ValueError as error:
            raise EngineGarbled("The picture at the image server is too large.") from error
        except (TimeoutError, aiohttp.ClientError) as error:
            raise EngineAway("The picture could not be fetched from the image server.") from error

    async def close(self) -> None:
        await self.line.close()


def openai(settings: ImageSettings) -> Engine:
    base = settings.image_openai_base_url or "https://api.openai.com/v1"
    return OpenAIImages(base, settings.image_openai_api_key, settings.image_openai_model)
