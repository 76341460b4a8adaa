"""The voice socket: words while one speaks, speech while one writes, and every way to misuse it."""

from __future__ import annotations

import asyncio

import pytest
from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import User
from apps.core.database import in_database
from apps.voice import dictation, lanes
from apps.voice.cells.kinds import kind_of
from tests import cast
from tests.voice.conftest import said
from tests.voice.recordings import SENTENCE, at_16k
from tests.voice.wire import PATIENCE, Wire, of

pytestmark = pytest.mark.django_db(transaction=True)
PAUSE = bytes(32_000)


@pytest.fixture
async def user() -> User:
    return await in_database(cast.alice)


def speech(text: str = SENTENCE) -> bytes:
    return PAUSE + at_16k(said(text)) + PAUSE


def streams_open() -> int:
    return sum(ear.streams for ear in lanes.live_ears())


async def nobody_is_listened_to() -> bool:
    """Whether all streams are closed in a moment: the end of a connection does not wait for them."""
    async with asyncio.timeout(PATIENCE):
        while streams_open():
            await asyncio.sleep(0.01)
    return True


# --- listening -------------------------------------------------------------------------------------------------------


async def test_words_come_while_one_speaks_and_are_final_after_a_pause(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        await wire.speak(speech())
        heard = await wire.until("final")
        assert heard[0]["type"] == "listening"
        assert len(of(heard, "speech")) == 1
        assert any("letter" in frame["text"] for frame in of(heard, "partial"))
        assert "letter" in heard[-1]["text"]
        assert 0.3 < heard[-1]["start"] < heard[-1]["end"]
        assert {frame["id"] for frame in heard} == {"one"}


async def test_listening_goes_on_after_a_sentence(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        for _ in range(2):
            await wire.speak(speech())
            assert "letter" in (await wire.until("final"))[-1]["text"]
        await wire.tell(type="end")
        assert (await wire.until("ended"))[-1]["id"] == "one"
    assert await nobody_is_listened_to()


async def test_while_a_button_is_held_a_pause_ends_nothing(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one", mode="hold")
        await wire.speak(speech() + speech())
        await wire.tell(type="end")
        finals = of(await wire.until("ended"), "final")
        assert len(finals) == 1
        assert finals[0]["text"].count("letter") == 2


async def test_a_button_let_go_in_mid_word_still_gives_the_words(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one", mode="hold")
        await wire.speak(at_16k(said(SENTENCE))[:40_000])
        await wire.tell(type="end")
        assert of(await wire.until("ended"), "final")[0]["text"]


async def test_what_was_taken_back_has_no_words(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one", mode="hold")
        await wire.until("listening")
        await wire.speak(at_16k(said(SENTENCE))[:32_000])
        await wire.tell(type="cancel")
        assert not of(await wire.until("ended"), "final")
    assert await nobody_is_listened_to()


async def test_a_second_recording_takes_the_place_of_the_first(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        await wire.until("listening")
        await wire.tell(type="listen", id="two")
        await wire.speak(speech())
        heard = await wire.until("final")
        assert heard[-1]["id"] == "two"
    assert await nobody_is_listened_to()


async def test_a_client_that_vanishes_in_mid_word_leaves_nothing_running(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        await wire.until("listening")
        await wire.speak(at_16k(said(SENTENCE))[:32_000])
        await wire.until("partial")
    assert await nobody_is_listened_to()


async def test_how_far_it_has_listened_is_told(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        await wire.speak(bytes(32_000 * 4))
        await wire.tell(type="end")
        acknowledged = [frame["ms"] for frame in of(await wire.until("ended"), "heard")]
        assert acknowledged == sorted(acknowledged)
        assert acknowledged[-1] >= 3000


async def test_sound_that_piles_up_is_refused_and_not_kept(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dictation, "LATEST_BYTES", 20_000)
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        await wire.speak(bytes(640_000))
        error = (await wire.until("error"))[-1]
        assert (error["code"], bool(error["hint"])) == ("overrun", True)
        await wire.until("ended")
    assert await nobody_is_listened_to()


async def test_the_fourth_voice_at_one_ear_has_to_wait(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MOST_STREAMS", 0)
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        error = (await wire.until("error"))[-1]
        assert (error["code"], error["retry_after"]) == ("busy", 5)


async def test_an_ear_that_was_killed_is_replaced_in_mid_stream(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        await wire.until("listening")
        for ear in lanes.live_ears():
            ear.warm.end()
        await wire.speak(speech())
        assert "letter" in (await wire.until("final"))[-1]["text"]


# --- speaking --------------------------------------------------------------------------------------------------------


async def test_sentences_are_said_before_the_text_has_ended(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="say", id="a", text="This is the first sentence. And this")
        sentence = (await wire.until("sentence"))[-1]
        sound = await wire.next()
        assert sentence["text"] == "This is the first sentence."
        assert len(sound["data"]) == sentence["bytes"]
        assert kind_of(sound["data"]) == "mp3"
        await wire.tell(type="say", id="a", text=" is the second.", end=True)
        assert of(await wire.until("said"), "sentence")[0]["text"] == "And this is the second."


async def test_no_more_is_sent_than_the_listener_can_play(user: User) -> None:
    text = "".join(f"This is sentence number {number}. " for number in range(10))
    async with Wire(user) as wire:
        await wire.tell(type="say", id="a", text=text, end=True)
        for index in range(4):
            assert (await wire.until("sentence"))[-1]["index"] == index
        await wire.next()
        await wire.tell(type="played", id="a", index=1)
        assert [(await wire.until("sentence"))[-1]["index"] for _ in range(2)] == [4, 5]


async def test_hush_ends_the_speech_at_once(user: User) -> None:
    text = "".join(f"This is sentence number {number}. " for number in range(50))
    async with Wire(user) as wire:
        await wire.tell(type="say", id="a", text=text, end=True)
        await wire.until("sentence")
        await wire.tell(type="hush")
        await wire.until("said")
        await wire.tell(type="say", id="b", text="Something else now.", end=True)
        frames = await wire.until("said")
        assert [frame["text"] for frame in of(frames, "sentence") if frame["id"] == "b"] == ["Something else now."]


async def test_both_at_once_do_not_disturb_each_other(user: User) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="ear")
        await wire.tell(type="say", id="mouth", text="This is said meanwhile.", end=True)
        await wire.speak(speech())
        frames = await wire.until("final")
        if not of(frames, "said"):
            frames += await wire.until("said")
        assert of(frames, "sentence")
        place = frames.index(of(frames, "sentence")[0])
        assert frames[place + 1]["type"] == "sound"


# --- misuse ----------------------------------------------------------------------------------------------------------


async def test_a_stranger_is_let_go() -> None:
    async with Wire(AnonymousUser()) as wire:
        assert (await wire.next())["code"] == "not_signed_in"
        assert await wire.next() == {"type": "closed", "code": 4401}


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ud800"])
async def test_what_is_no_frame_ends_the_connection_with_a_sentence(user: User, text: str) -> None:
    async with Wire(user) as wire:
        await wire.send(text=text)
        assert (await wire.next())["message"]
        assert await wire.next() == {"type": "closed", "code": 1007}


@pytest.mark.parametrize("text", ["[]", "null", '"x"', "7"])
async def test_json_that_is_no_object_is_told_and_the_connection_stays(user: User, text: str) -> None:
    async with Wire(user) as wire:
        await wire.send(text=text)
        assert (await wire.next())["code"] == "bad_frame"
        await wire.tell(type="say", id="a", text="Still here.", end=True)
        assert of(await wire.until("said"), "sentence")


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "nothing"}, {"type": ["listen"]}, {"type": "listen"}, {"type": "listen", "id": 7},
        {"type": "listen", "id": "x" * 65}, {"type": "listen", "id": "a", "rate": 44_100},
        {"type": "listen", "id": "a", "mode": "forever"}, {"type": "listen", "id": "a", "language": "../x"},
        {"type": "say", "id": "a", "text": 5}, {"type": "say", "id": "a", "text": "x" * 20_001},
        {"type": "played", "id": "a", "index": -1}, {"type": "played", "id": "a", "index": True},
    ],
)  # fmt: skip
async def test_a_wrong_frame_is_told_and_the_connection_stays(user: User, frame: dict[str, object]) -> None:
    async with Wire(user) as wire:
        await wire.tell(**frame)
        assert (await wire.next())["type"] == "error"
        await wire.tell(type="say", id="a", text="Still here.", end=True)
        assert of(await wire.until("said"), "sentence")


@pytest.mark.parametrize("data", [b"x", bytes(65_538)])
async def test_a_wrong_piece_of_sound_is_told(user: User, data: bytes) -> None:
    async with Wire(user) as wire:
        await wire.tell(type="listen", id="one")
        await wire.until("listening")
        await wire.send(data=data)
        assert (await wire.until("error"))[-1]["code"] == "bad_sound"


async def test_sound_without_a_recording_is_dropped(user: User) -> None:
    async with Wire(user) as wire:
        await wire.speak(bytes(6_400))
        await wire.tell(type="end")
        await wire.tell(type="hush")
        await wire.tell(type="say", id="a", text="Still here.", end=True)
        assert (await wire.until("said"))[-1]["id"] == "a"
