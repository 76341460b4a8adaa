"""Files that engines send: pictures become pictures, and whatever else they are ends in a sentence."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from apps.core.errors import NitroError
from apps.images import pictures
from tests.images.engines import picture


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that claims to be, and is, a huge black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packed = zlib.compressobj(9)
    row = b"\0" * (side // 8 + 1)
    rows = b"".join(packed.compress(row) for _ in range(side)) + packed.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("form", "suffix"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_a_picture_is_kept_in_its_form_with_a_small_one(form: str, suffix: str) -> None:
    read = pictures.read(picture(size=(1200, 600), form=form))
    assert (read.suffix, read.width, read.height) == (suffix, 1200, 600)
    with Image.open(io.BytesIO(read.thumbnail)) as small:
        assert (small.format, small.size) == ("WEBP", (512, 256))


def test_transparency_is_kept() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (8, 8), (1, 2, 3, 0)).save(buffer, "PNG")
    with Image.open(io.BytesIO(pictures.read(buffer.getvalue()).content)) as kept:
        assert kept.mode == "RGBA"


def test_a_picture_that_lies_on_its_side_is_turned_and_its_data_are_gone() -> None:
    buffer = io.BytesIO()
    turned = Image.Exif()
    turned[0x0112], turned[0x010E] = 6, "a secret"
    Image.new("RGB", (40, 20)).save(buffer, "JPEG", exif=turned)
    read = pictures.read(buffer.getvalue())
    assert (read.width, read.height) == (20, 40)
    assert b"a secret" not in read.content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + b"\0" * 40,
        picture()[:60],
        b"%PDF-1.4",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 1000,
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(NitroError) as caught:
        pictures.read(content)
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("side", [8_000, 30_000])
def test_a_bomb_does_not_go_off(side: int) -> None:
    content = bomb(side)
    assert len(content) < 200_000
    with pytest.raises(NitroError):
        pictures.read(content)
