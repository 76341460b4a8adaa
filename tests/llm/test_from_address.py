"""Model files from web addresses: whole or not at all, and on from where they broke off."""

from __future__ import annotations

import os
import shutil
import time
from collections import namedtuple
from contextlib import aclosing
from pathlib import Path

import pytest
from pytest_django import Settings

from apps.core.errors import Busy, Invalid
from apps.core.outside import AddressRefused, BadAnswer, Unreachable
from apps.llm import from_address
from apps.llm.from_address import DiskFull, FromAddress, NoModel, NotWritten, Part
from apps.llm.local import local_files
from apps.llm.services import Progress
from apps.llm.sources import source_of
from tests.llm.gguf_files import gguf, put
from tests.llm.shelf import Shelf, shelf

MODEL = gguf(body=b"numbers " * 2000)
Usage = namedtuple("Usage", "total used free")


def allow(settings: Settings, server: Shelf) -> None:
    settings.FETCH_ALLOWED_PRIVATE = [server.place]


async def pulled(home: Path, url: str) -> list[Progress]:
    source = FromAddress(home, schemes=frozenset({"http"}))
    async with aclosing(source.pull(url)) as steps:
        return [step async for step in steps]


def names(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "models").iterdir())


async def test_a_model_is_fetched_and_offered(settings: Settings, tmp_path: Path) -> None:
    async with shelf(MODEL) as server:
        allow(settings, server)
        steps = await pulled(tmp_path, server.url())
    assert steps[-1] == Progress("success", len(MODEL), len(MODEL))
    assert (tmp_path / "models" / "model.gguf").read_bytes() == MODEL
    assert names(tmp_path) == ["model.gguf"]
    assert [model.name for model in local_files(tmp_path).models] == ["model"]


async def test_redirects_are_followed(settings: Settings, tmp_path: Path) -> None:
    async with shelf(MODEL) as server:
        allow(settings, server)
        await pulled(tmp_path, server.url("/onward/model.gguf"))
    assert names(tmp_path) == ["model.gguf"]


async def broken_off(settings: Settings, home: Path, server: Shelf, count: int) -> None:
    allow(settings, server)
    server.breaks_after = count
    with pytest.raises(Unreachable, match="broke"):
        await pulled(home, server.url())
    server.breaks_after = -1


async def test_what_broke_off_goes_on_from_there(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(from_address, "WRITE", 1000)
    async with shelf(MODEL) as server:
        await broken_off(settings, tmp_path, server, 12_000)
        assert local_files(tmp_path).models == ()
        await pulled(tmp_path, server.url())
    first, second = server.ranges
    assert first == ""
    assert int(second.removeprefix("bytes=").removesuffix("-")) >= 8000
    assert (tmp_path / "models" / "model.gguf").read_bytes() == MODEL
    assert names(tmp_path) == ["model.gguf"]


@pytest.mark.parametrize("tag", ['"1"', "", 'W/"1"'])
async def test_another_version_begins_anew(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str
) -> None:
    monkeypatch.setattr(from_address, "WRITE", 1000)
    other = gguf(body=b"others " * 2000)
    async with shelf(MODEL, tag=tag) as server:
        await broken_off(settings, tmp_path, server, 12_000)
        server.content, server.tag = other, '"2"' if tag else ""
        await pulled(tmp_path, server.url())
    assert (tmp_path / "models" / "model.gguf").read_bytes() == other


@pytest.mark.parametrize("content", [b"<html>a page about a model</html>", MODEL[:100], b""])
async def test_what_is_no_model_leaves_nothing_behind(settings: Settings, tmp_path: Path, content: bytes) -> None:
    async with shelf(content) as server:
        allow(settings, server)
        with pytest.raises(NoModel):
            await pulled(tmp_path, server.url())
    assert names(tmp_path) == []


async def test_it_is_looked_whether_there_is_room_before_anything_comes(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**10, 0, 10**9))
    async with shelf(MODEL) as server:
        allow(settings, server)
        with pytest.raises(DiskFull, match=r"1\.0 GB are free"):
            await pulled(tmp_path, server.url())
    assert names(tmp_path) == []


async def test_a_disk_that_fills_up_meanwhile_is_said(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(from_address, "_write_all", write)
    async with shelf(MODEL) as server:
        allow(settings, server)
        with pytest.raises(DiskFull):
            await pulled(tmp_path, server.url())
    assert names(tmp_path) == []


async def test_a_folder_that_cannot_be_made_is_said(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(NotWritten):
        await pulled(tmp_path, "http://127.0.0.1:9/model.gguf")


async def test_another_model_of_that_name_stays(settings: Settings, tmp_path: Path) -> None:
    there = put(tmp_path, "model.gguf")
    async with shelf(MODEL) as server:
        allow(settings, server)
        with pytest.raises(Invalid, match="another model called model"):
            await pulled(tmp_path, server.url())
    assert there.read_bytes() == gguf()
    assert names(tmp_path) == ["model.gguf"]


async def test_two_processes_never_write_the_same_file(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(from_address, "LOCK_PAUSE", 0.0)
    async with shelf(MODEL) as server:
        allow(settings, server)
        (tmp_path / "models").mkdir()
        part = Part(tmp_path / "models" / "model.gguf", server.url())
        await part.lock()
        with pytest.raises(Busy):
            await pulled(tmp_path, server.url())
        part.close()
        await pulled(tmp_path, server.url())
    assert names(tmp_path) == ["model.gguf"]


async def test_what_was_left_alone_for_long_is_cleared_away(settings: Settings, tmp_path: Path) -> None:
    old, young = put(tmp_path, ".old.gguf.0.part", b"x"), put(tmp_path, ".young.gguf.0.part", b"x")
    put(tmp_path, ".old.gguf.0.tag", b"x")
    os.utime(old, (time.time() - 30 * 86_400,) * 2)
    async with shelf(MODEL) as server:
        allow(settings, server)
        await pulled(tmp_path, server.url())
    assert names(tmp_path) == [young.name, "model.gguf"]


async def test_a_server_that_sends_other_than_it_said_is_not_believed(settings: Settings, tmp_path: Path) -> None:
    async with shelf(MODEL, status=404) as server:
        allow(settings, server)
        with pytest.raises(BadAnswer, match="404"):
            await pulled(tmp_path, server.url())


async def test_nobody_at_the_address_is_said(settings: Settings, tmp_path: Path) -> None:
    async with shelf(MODEL) as server:
        allow(settings, server)
    with pytest.raises(Unreachable):
        await pulled(tmp_path, server.url())
    assert names(tmp_path) == []


@pytest.mark.parametrize("url", ["https://127.0.0.1/model.gguf", "https://169.254.169.254/model.gguf"])
async def test_addresses_of_this_machine_and_its_network_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(AddressRefused):
        async with aclosing(FromAddress(tmp_path).pull(url)) as steps:
            _ = [step async for step in steps]


async def test_nothing_is_fetched_over_plain_http(settings: Settings, tmp_path: Path) -> None:
    async with shelf(MODEL) as server:
        allow(settings, server)
        with pytest.raises(AddressRefused, match="https"):
            async with aclosing(FromAddress(tmp_path).pull(server.url())) as steps:
                _ = [step async for step in steps]
    assert server.ranges == []


def test_an_address_is_fetched_by_nitro_and_a_name_by_ollama(settings: Settings) -> None:
    settings.OLLAMA_BASE_URL = "http://127.0.0.1:9"
    assert isinstance(source_of("https://example.com/model.gguf"), FromAddress)
    assert not isinstance(source_of("llama3.2"), FromAddress)
