"""The engines that come as extras, with stand-ins for their packages; and which engine is chosen of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.voice import registry
from apps.voice.audio import Pcm
from apps.voice.errors import EngineAway, EngineError, EngineMissing, NoSuchVoice
from apps.voice.providers import google, piper, whisper
from apps.voice.providers.base import Utterance
from apps.voice.settings import VoiceSettings

PACKAGES = Path(__file__).parent / "packages"


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PACKAGES))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with a Whisper model and two voices."""
    folder = tmp_path / "faster-whisper-base"
    folder.mkdir()
    (folder / "model.bin").write_text("hello from whisper")
    for name in ("de_DE-thorsten-medium", "en_US-lessac-medium"):
        (tmp_path / f"{name}.onnx").touch()
    return tmp_path


@pytest.mark.parametrize("build", [whisper.transcriber, piper.speaker, google.transcriber])
def test_what_is_not_installed_says_how_to_install_it(build: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (whisper, piper, google):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(EngineMissing) as failure:
        build(VoiceSettings())  # type: ignore[operator]
    assert "nitro extras" in failure.value.hint


@pytest.mark.usefixtures("packages")
def test_whisper_hears_segments_words_and_language(models: Path) -> None:
    engine = whisper.Whisper(whisper.model_path(VoiceSettings(models=models)))
    heard = engine.transcribe(Pcm(bytes(32_000)), language="en-US")
    engine.warm.end()
    assert (heard.text, heard.language) == ("hello from whisper", "en")
    assert [word.text for word in heard.segments[0].words] == ["hello", "from", "whisper"]


@pytest.mark.usefixtures("packages")
def test_whispers_failure_is_a_sentence(models: Path) -> None:
    (models / "faster-whisper-base" / "model.bin").write_text("broken")
    engine = whisper.Whisper(whisper.model_path(VoiceSettings(models=models)))
    with pytest.raises(EngineError):
        engine.transcribe(Pcm(bytes(3200)), language="en")
    engine.warm.end()


@pytest.mark.parametrize("name", ["large-v3", "../faster-whisper-base"])
def test_a_model_that_is_not_there_says_where_it_belongs(models: Path, name: str) -> None:
    with pytest.raises(EngineMissing) as failure:
        whisper.model_path(VoiceSettings(models=models, stt_model=name))
    assert str(models) in failure.value.hint


@pytest.mark.usefixtures("packages")
def test_piper_speaks_in_the_voice_of_the_language(models: Path) -> None:
    engine = piper.Piper(models)
    pcm = engine.speak(Utterance("two words", language="de"))
    slow = engine.speak(Utterance("two words", speed=0.5))
    engine.warm.end()
    assert (pcm.rate, len(pcm.data), len(slow.data)) == (22_050, 1600, 3200)


def test_piper_lists_what_lies_there(models: Path) -> None:
    voices = piper.Piper(models).voices()
    assert [(voice.name, voice.language) for voice in voices] == [
        ("de_DE-thorsten-medium", "de-DE"),
        ("en_US-lessac-medium", "en-US"),
    ]


@pytest.mark.parametrize("voice", ["nobody", "../../etc/passwd"])
def test_piper_has_no_other_voices(models: Path, voice: str) -> None:
    with pytest.raises(NoSuchVoice):
        piper.Piper(models).speak(Utterance("Hello.", voice))


@pytest.mark.usefixtures("packages")
def test_google_is_asked_for_the_region(models: Path) -> None:
    engine = google.transcriber(VoiceSettings())
    assert engine.transcribe(Pcm(b"hello"), language="de").text == "hello in de-DE"
    assert engine.transcribe(Pcm(b"mumble"), language="en").segments == ()
    with pytest.raises(EngineAway):
        engine.transcribe(Pcm(b"away"), language="en")


def test_of_itself_the_engine_is_the_built_in_one(tmp_path: Path) -> None:
    settings = VoiceSettings(models=tmp_path)
    assert (registry.transcriber_kind(settings), registry.speaker_kind(settings)) == ("builtin", "builtin")


@pytest.mark.usefixtures("packages")
def test_of_itself_the_engine_is_the_better_one_that_lies_ready(models: Path) -> None:
    settings = VoiceSettings(models=models)
    assert (registry.transcriber_kind(settings), registry.speaker_kind(settings)) == ("whisper", "piper")


def test_of_itself_the_engine_is_the_server_that_was_named(tmp_path: Path) -> None:
    settings = VoiceSettings(stt_base_url="http://a", tts_base_url="http://b", models=tmp_path)
    assert (registry.transcriber_kind(settings), registry.speaker_kind(settings)) == ("openai", "openai")


def test_for_programs_somebody_speaks_where_the_browser_speaks_to_people(tmp_path: Path) -> None:
    assert registry.speaker_kind(VoiceSettings(tts_engine="browser", models=tmp_path)) == "builtin"
