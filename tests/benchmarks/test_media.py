"""The scenarios of search, pictures and speech: what each of them switches is really off, and really on."""

from __future__ import annotations

import io
import json
import time
import urllib.error
import urllib.request
import wave
from collections.abc import Callable, Iterator

import pytest

from benchmarks.gains.drawing import always
from benchmarks.gains.little_web import DELAY, PAGES, SIZE, little_web
from benchmarks.gains.registry import scenario
from benchmarks.gains.scenario import Facts
from benchmarks.gains.speaking import QUIET, RATE, as_file, samples, written
from benchmarks.gains.stage import Stage

Check = Callable[[Facts, Facts], bool]
SWITCHED: dict[str, Check] = {
    "search-cached": lambda off, on: (off, on) == (
        {"cached": [False], "pages_read": [PAGES]}, {"cached": [True], "pages_read": [PAGES]}
    ),
    "image-cached": lambda off, on: (off["every_order_was_drawn"], on["jobs"]) == (True, 1),
    "voice-said": lambda off, on: (off["words_in_first_sound"], on["words_in_first_sound"]) == (46, 9),
    # Whether partial words come before the last ones is a matter of how busy the machine is.
    "voice-heard": lambda off, on: (off["sound_sent"], on["sound_sent"]) == (
        "when it was whole", "while it was spoken"
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage() as one:
        yield one


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", SWITCHED)
def test_what_is_switched_is_off_and_on(name: str, stage: Stage) -> None:
    try:
        pair = scenario(name).open(stage)
        slow, fast = pair.baseline.sample(), pair.optimised.sample()
        off, on = pair.baseline.proof(), pair.optimised.proof()
    finally:
        stage.clear()
    assert slow > 0
    assert fast > 0
    assert SWITCHED[name](off, on), (off, on)


def fetched(place: str, path: str) -> bytes:
    with urllib.request.urlopen(f"http://{place}{path}", timeout=10) as answer:
        content: bytes = answer.read()
    return content


def test_the_little_web_names_other_pages_for_every_question() -> None:
    with little_web() as web:
        first, second = (json.loads(fetched(web.places[0], f"/search?q={q}"))["results"] for q in ("a", "b"))
        assert {one["url"] for one in first}.isdisjoint(one["url"] for one in second)
        assert len({one["url"].split("/")[2] for one in first}) == len(web.places) == 2
        began = time.monotonic()
        page = fetched(web.places[0], "/page3?for=a")
        assert time.monotonic() - began >= DELAY
        assert 0.95 * SIZE < len(page) < 1.05 * SIZE
        assert b"Tarrow" in page


def test_the_little_web_has_no_other_pages_and_is_gone_afterwards() -> None:
    with little_web() as web:
        with pytest.raises(urllib.error.HTTPError, match="404"):
            fetched(web.places[0], "/robots.txt")
        assert web.settings["FETCH_ALLOWED_PRIVATE"].split(",") == list(web.places)
    with pytest.raises(OSError, match="refused"):
        fetched(web.places[0], "/robots.txt")


def test_sound_of_any_rate_becomes_what_the_socket_takes() -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(22_050)
        out.writeframes(b"\x00\x10" * 22_050)
    sound = samples(file.getvalue())
    seconds = len(sound) / 2 / RATE
    assert seconds == pytest.approx(1 + 2 * QUIET, abs=0.01)
    assert sound[:2] == b"\x00\x00"
    with wave.open(io.BytesIO(as_file(sound))) as again:
        assert again.readframes(again.getnframes()) == sound


async def test_no_two_answers_are_the_same() -> None:
    one, other = ["".join([word async for word in written()]) for _ in range(2)]
    assert one != other


def test_the_same_seed_is_always_the_same() -> None:
    seeds = always(7)
    assert [next(seeds) for _ in range(3)] == [7, 7, 7]
