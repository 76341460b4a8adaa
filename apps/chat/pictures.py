"""What becomes of a picture that a stranger sends: pixels and nothing else. Runs confined, without Django."""

from __future__ import annotations

import io

from PIL import Image, ImageOps, UnidentifiedImageError

from apps.core.errors import Invalid

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
LONGEST_SIDE = 2048  # pixels: no model looks closer
THUMBNAIL_SIDE = 480
MOST_PIXELS = 24_000_000  # that are held in memory at once; JPEGs are read smaller
HINT = "PNG, JPEG, WebP and GIF are possible."
SECONDS = 3.0
MEMORY_MB = 300

Prepared = tuple[str, bytes, int, int, bytes]


def prepared(data: bytes) -> Prepared:
    """The picture upright, at most 2048 pixels wide and high: its suffix, bytes, width, height, and a WebP thumbnail.

    Raises `Invalid` for what is no picture, or one with more pixels than can be looked at.
    """
    image = _opened(data)
    if image.mode in {"RGB", "L"}:
        return _saved(image, "jpg", "JPEG", {"quality": 88})
    return _saved(image, "png", "PNG", {})


def _opened(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise Invalid(f"The picture has {width} × {height} pixels, which is too much.", code="picture_too_large")
        image.seek(0)
        small = _in_colours(image)
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2.0)
        return ImageOps.exif_transpose(small)
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise Invalid("This is not a picture that can be read.", code="no_picture", hint=HINT) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise Invalid("The picture is damaged.", code="broken_picture", hint=HINT) from error


def _in_colours(image: Image.Image) -> Image.Image:
    """In plain colours, with transparency only where there is some; the direction of the camera is kept for later."""
    if image.mode in {"RGB", "L"} and "transparency" not in image.info:
        return image
    clear = "transparency" in image.info or image.mode in {"RGBA", "LA", "PA", "RGBa", "La"}
    made = image.convert("RGBA" if clear else "RGB")
    if clear and made.getchannel("A").getextrema() == (255, 255):
        made = made.convert("RGB")
    made.info = {name: value for name, value in image.info.items() if name == "exif"}
    return made


def _saved(image: Image.Image, suffix: str, kind: str, how: dict[str, int]) -> Prepared:
    bare = Image.new(image.mode, image.size)  # pixels alone: no place, no camera, no profile
    bare.paste(image)
    whole, small = io.BytesIO(), io.BytesIO()
    bare.save(whole, kind, **how)
    width, height = bare.size
    bare.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    bare.save(small, "WEBP", quality=80)
    return suffix, whole.getvalue(), width, height, small.getvalue()
