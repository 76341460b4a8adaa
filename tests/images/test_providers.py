"""Every engine over its real wire, against servers of our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from apps.images.errors import EngineAway, EngineError, EngineGarbled, EngineMissing, EngineRefused
from apps.images.providers.automatic1111 import Automatic1111
from apps.images.providers.base import Engine, Sheet, Sketch
from apps.images.providers.gemini import Gemini as GeminiEngine
from apps.images.providers.openai_images import OpenAIImages
from apps.images.providers.painter import Painter
from tests.images.engines import picture
from tests.images.servers import GEMINI_KEY, Gemini, OpenAI, Server, StableDiffusion

SHEET = Sheet("a boat", "people", 64, 128, 5, 6.5, 42)
PATIENCE = 90


def silent(sketch: Sketch) -> None:
    """Nobody looks."""


async def drawn(engine: Engine, sheet: Sheet = SHEET) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE):
            return await engine.draw(sheet, silent)
    finally:
        await engine.close()


# --- AUTOMATIC1111 ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def diffusion() -> AsyncIterator[StableDiffusion]:
    async with StableDiffusion() as server:
        yield server


async def test_a_stable_diffusion_server_is_told_everything(diffusion: StableDiffusion) -> None:
    content = await drawn(Automatic1111(diffusion.url, "sdxl"))
    assert content == picture((9, 9, 99), (64, 128))
    asked = diffusion.asked[0]
    assert (asked["prompt"], asked["negative_prompt"], asked["width"], asked["height"]) == ("a boat", "people", 64, 128)
    assert (asked["steps"], asked["cfg_scale"], asked["seed"]) == (5, 6.5, 42)
    assert asked["override_settings"] == {"sd_model_checkpoint": "sdxl"}


async def test_its_progress_is_told_with_a_preview(diffusion: StableDiffusion) -> None:
    diffusion.hold, diffusion.progress = True, 0.4
    heard: asyncio.Queue[Sketch] = asyncio.Queue()
    engine = Automatic1111(diffusion.url, "")
    drawing = asyncio.ensure_future(engine.draw(SHEET, heard.put_nowait))
    async with asyncio.timeout(PATIENCE):
        sketch = await heard.get()
        diffusion.hold = False
        await drawing
    await engine.close()
    assert (sketch.progress, sketch.preview) == (0.4, picture(size=(8, 8)))


async def test_a_cancelled_picture_is_interrupted_there(diffusion: StableDiffusion) -> None:
    diffusion.hold = True
    engine = Automatic1111(diffusion.url, "")
    drawing = asyncio.ensure_future(engine.draw(SHEET, silent))
    async with asyncio.timeout(PATIENCE):
        await diffusion.holding.wait()
        drawing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await drawing
        await diffusion.interrupted.wait()
    await engine.close()


async def test_a_server_that_tells_no_progress_still_draws(diffusion: StableDiffusion) -> None:
    diffusion.tells, diffusion.hold = False, True
    engine = Automatic1111(diffusion.url, "")
    drawing = asyncio.ensure_future(engine.draw(SHEET, silent))
    async with asyncio.timeout(PATIENCE):
        await diffusion.holding.wait()
        diffusion.hold = False
        assert await drawing
    await engine.close()


# --- what all servers have in common ----------------------------------------------------------------------------------


def engine_of(server: Server) -> Engine:
    if isinstance(server, StableDiffusion):
        return Automatic1111(server.url, "")
    return OpenAIImages(f"{server.url}/v1", "a key", "gpt-image-1")


@pytest.mark.parametrize("kind", [StableDiffusion, OpenAI])
@pytest.mark.parametrize(
    ("refusal", "error", "said"),
    [
        ((422, {"detail": "width is too large"}), EngineRefused, "width is too large"),
        ((400, {"error": {"message": "It is not safe."}}), EngineRefused, "It is not safe."),
        ((401, {"error": {"message": "Wrong key."}}), EngineRefused, "Wrong key."),
        ((500, {"error": "OutOfMemoryError", "errors": "CUDA out of memory"}), EngineError, "OutOfMemoryError"),
        ((503, "<html>"), EngineError, "error 503"),
        ((302, ""), EngineGarbled, "error 302"),
        ((404, {"detail": "Not Found"}), EngineGarbled, "error 404"),
        ((200, "no JSON"), EngineGarbled, "not JSON"),
        ((200, {"images": []}), EngineGarbled, "no picture"),
        ((200, {"images": ["§§§"], "data": [{"b64_json": "§§§"}]}), EngineGarbled, "decoded"),
        ((200, []), EngineGarbled, "no picture"),
    ],
)
async def test_what_a_server_refuses_is_told(
    kind: type[Server], refusal: tuple[int, object], error: type[EngineError], said: str
) -> None:
    async with kind() as server:
        server.refusal = refusal
        with pytest.raises(error) as caught:
            await drawn(engine_of(server))
    assert said in caught.value.message


@pytest.mark.parametrize(
    "engine", [Automatic1111("http://127.0.0.1:1", ""), OpenAIImages("http://127.0.0.1:1", "", "")]
)
async def test_a_server_that_is_away_is_told(engine: Engine) -> None:
    with pytest.raises(EngineAway):
        await drawn(engine)


# --- OpenAI -----------------------------------------------------------------------------------------------------------


async def test_openai_is_asked_for_one_picture() -> None:
    async with OpenAI() as server:
        assert await drawn(OpenAIImages(f"{server.url}/v1", "a key", "dall-e-3")) == picture()
    assert server.asked == [
        {"model": "dall-e-3", "prompt": "a boat", "n": 1, "size": "64x128", "response_format": "b64_json"}
    ]
    assert server.headers[0]["Authorization"] == "Bearer a key"


async def test_models_that_know_no_response_format_are_not_told_one() -> None:
    async with OpenAI() as server:
        await drawn(OpenAIImages(f"{server.url}/v1", "", "gpt-image-1"))
    assert "response_format" not in server.asked[0]


async def test_a_picture_that_lies_at_the_server_is_fetched() -> None:
    async with OpenAI(by_address="{}/files/one.png") as server:
        assert await drawn(OpenAIImages(f"{server.url}/v1", "", "local")) == picture()


async def test_a_picture_that_comes_in_pieces_is_whole() -> None:
    async with OpenAI(by_address="{}/files/one.png", late=b"the rest") as server:
        assert await drawn(OpenAIImages(f"{server.url}/v1", "", "local")) == picture() + b"the rest"


async def test_a_picture_without_an_end_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.images.providers.http.BODY_LIMIT", 10)
    async with OpenAI(by_address="{}/files/one.png") as server:
        with pytest.raises(EngineGarbled):
            await drawn(OpenAIImages(f"{server.url}/v1", "", "local"))


async def test_a_picture_that_lies_elsewhere_is_not_fetched() -> None:
    async with OpenAI() as elsewhere, OpenAI(by_address=f"{elsewhere.url}/files/one.png") as server:
        with pytest.raises(EngineGarbled, match="another host"):
            await drawn(OpenAIImages(f"{server.url}/v1", "", "local"))


def test_the_sizes_of_known_models_are_known() -> None:
    assert OpenAIImages("http://here", "", "dall-e-2").limits.sizes[0] == (256, 256)
    assert OpenAIImages("http://here", "", "flux").limits.sizes == ()


# --- Gemini -----------------------------------------------------------------------------------------------------------


async def test_gemini_answers_through_its_library() -> None:
    async with Gemini() as server:
        assert await drawn(GeminiEngine(GEMINI_KEY, server.url, "gemini-2.5-flash-image")) == picture()
    asked = server.asked[0]
    assert "a boat" in asked["contents"][0]["parts"][0]["text"]
    assert asked["generationConfig"]["responseModalities"] in (["TEXT", "IMAGE"], [1, 2])


async def test_gemini_that_only_talks_drew_no_picture() -> None:
    async with Gemini(parts=[{"text": "I would rather not."}]) as server:
        with pytest.raises(EngineError, match="I would rather not"):
            await drawn(GeminiEngine(GEMINI_KEY, server.url, "gemini-2.5-flash-image"))


async def test_a_wrong_key_for_gemini_is_told_and_not_shown() -> None:
    async with Gemini() as server:
        with pytest.raises(EngineError, match="403") as caught:
            await drawn(GeminiEngine("a-wrong-key", server.url, "gemini-2.5-flash-image"))
    assert "GEMINI_API_KEY" in caught.value.hint
    assert "a-wrong-key" not in caught.value.message


async def test_a_cancelled_gemini_is_left_at_once() -> None:
    async with Gemini(hold=True) as server:
        engine = GeminiEngine(GEMINI_KEY, server.url, "gemini-2.5-flash-image")
        drawing = asyncio.ensure_future(engine.draw(SHEET, silent))
        async with asyncio.timeout(PATIENCE):
            await server.holding.wait()
            drawing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await drawing
        server.hold = False
        await engine.close()


def test_gemini_without_a_key_says_what_is_missing() -> None:
    with pytest.raises(EngineMissing, match="GEMINI_API_KEY"):
        GeminiEngine("", "", "gemini-2.5-flash-image")


# --- the painter ------------------------------------------------------------------------------------------------------


async def test_the_painter_tells_how_far_it_is() -> None:
    heard: list[Sketch] = []
    content = await Painter().draw(replace(SHEET, steps=6), heard.append)
    assert content.startswith(b"\x89PNG")
    parts = [sketch.progress for sketch in heard]
    assert parts == sorted(parts)
    assert len(parts) >= 6
    assert any(sketch.preview.startswith(b"RIFF") for sketch in heard)


async def test_the_painter_stops_when_it_is_told() -> None:
    began = asyncio.Event()
    drawing = asyncio.ensure_future(Painter().draw(replace(SHEET, width=2048, height=2048), lambda _: began.set()))
    async with asyncio.timeout(PATIENCE):
        await began.wait()
        drawing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await drawing
