"""What becomes of pictures that strangers send: pixels and nothing else, within limits."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from apps.chat import pictures
from apps.chat.pictures import prepared
from apps.core import confined
from apps.core.errors import Invalid

ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F


def encoded(image: Image.Image, kind: str = "PNG", **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def picture(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (width, height))
    image.putpixel((0, 0), 255 if mode == "L" else (255, 0, 0, 128) if mode == "RGBA" else (255, 0, 0))
    return image


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it is huge, and is."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + width * 3)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_usual_kinds_are_read(kind: str) -> None:
    suffix, whole, width, height, small = prepared(encoded(picture(), kind))
    assert (width, height) == (60, 40)
    assert Image.open(io.BytesIO(whole)).format == {"jpg": "JPEG", "png": "PNG"}[suffix]
    assert Image.open(io.BytesIO(small)).format == "WEBP"


def test_a_large_picture_becomes_smaller() -> None:
    _, whole, width, height, small = prepared(encoded(picture(4000, 1000), "JPEG"))
    assert (width, height) == (2048, 512)
    assert Image.open(io.BytesIO(whole)).size == (2048, 512)
    assert Image.open(io.BytesIO(small)).size == (480, 120)


def test_transparency_is_kept_where_there_is_some() -> None:
    assert prepared(encoded(picture(mode="RGBA")))[0] == "png"
    assert prepared(encoded(picture().convert("RGBA")))[0] == "jpg"


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "I;16"])
def test_all_modes_of_colour_come_through(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert prepared(encoded(Image.new(mode, (9, 7)), kind))[2:4] == (9, 7)


def test_where_and_with_what_it_was_taken_is_forgotten() -> None:
    exif = Image.Exif()
    exif[MAKER] = "canary"
    exif.get_ifd(GPS)[1] = "N"
    raw = encoded(picture(), "JPEG", exif=exif.tobytes(), comment=b"canary", icc_profile=b"canary" * 30)
    assert b"canary" in raw
    _, whole, _, _, small = prepared(raw)
    assert b"canary" not in whole + small
    assert not Image.open(io.BytesIO(whole)).getexif()


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", "jpg"), ("PNG", "jpg"), ("WEBP", "jpg")])
def test_it_is_turned_as_the_camera_was_held(kind: str, suffix: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    made = prepared(encoded(picture(), kind, exif=exif.tobytes()))
    assert (made[0], made[2:4]) == (suffix, (40, 60))


def test_of_a_film_the_first_picture_is_taken() -> None:
    frames = [picture(), Image.new("RGB", (60, 40), "blue")]
    raw = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    whole = prepared(raw)[1]
    assert Image.open(io.BytesIO(whole)).getpixel((30, 20)) != (0, 0, 255)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\x89PNG\r\n\x1a\n",
        b"BM" + b"\0" * 60,
        b"GIF89a",
        b"\xff\xd8\xff\xe0",
    ],
)
def test_what_is_no_picture_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        prepared(raw)
    assert caught.value.message


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_half_a_picture_is_refused_or_read(kind: str) -> None:
    raw = encoded(Image.effect_noise((200, 200), 80).convert("RGB"), kind)
    for length in range(10, len(raw), max(1, len(raw) // 20)):
        try:
            prepared(raw[:length])
        except Invalid:
            continue


def test_too_many_pixels_are_refused_before_they_are_unpacked() -> None:
    head = struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0)
    hollow = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(Invalid, match="9000 × 9000 pixels"):
        prepared(hollow)


def test_the_most_pixels_fit_into_what_a_picture_may_take() -> None:
    made = confined.run(
        "apps.chat.pictures.prepared", bomb(6000, 4000), seconds=pictures.SECONDS * 5, memory_mb=pictures.MEMORY_MB
    )
    assert made[2:4] == (2048, 1365)


def test_a_bomb_ends_in_a_process_of_its_own() -> None:
    with pytest.raises(confined.Confined):
        confined.run("apps.chat.pictures.prepared", bomb(30_000, 3000), seconds=3, memory_mb=pictures.MEMORY_MB)
