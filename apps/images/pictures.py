"""Reads picture files, in a confined process: an engine's answer becomes a picture, a thumbnail and their measures."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from apps.core import confined
from apps.core.errors import NitroError

SUFFIXES = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
THUMBNAIL_SIDE = 512
MOST_PIXELS = 4096 * 4096
SECONDS, MEMORY_MB = 20.0, 600


class NoPicture(NitroError):
    """The bytes are no picture that Nitro keeps."""

    code = "no_picture"
    status = 422
    hint = "PNG, JPEG and WebP of at most 16 megapixels can be read."


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it will be kept, without any metadata that came with it."""

    content: bytes
    suffix: str
    thumbnail: bytes
    width: int
    height: int


def read(content: bytes) -> Picture:
    """Decode a file in a process of its own. Raises `NitroError` for what is no picture or too much of one."""
    return Picture(*confined.run("apps.images.pictures.decode", content, seconds=SECONDS, memory_mb=MEMORY_MB))


def decode(content: bytes) -> tuple[bytes, str, bytes, int, int]:
    """The fields of a `Picture`. Called in the confined process."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with Image.open(io.BytesIO(content), formats=list(SUFFIXES)) as file:
            form = str(file.format)
            if file.width * file.height > MOST_PIXELS:
                raise NoPicture("The picture has more than 16 megapixels.")
            plain = ImageOps.exif_transpose(file).convert("RGBA" if _is_clear(file) else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError,
            Image.DecompressionBombWarning) as error:  # fmt: skip
        raise NoPicture("This is no picture that can be read.") from error
    small = plain.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return _written(plain, form), SUFFIXES[form], _written(small, "WEBP", quality=82), plain.width, plain.height


def _is_clear(file: Image.Image) -> bool:
    return file.mode in {"RGBA", "LA", "PA"} or "transparency" in file.info


def _written(picture: Image.Image, form: str, quality: int = 92) -> bytes:
    """The file anew: pixels alone, so that nothing that came with them is kept."""
    buffer = io.BytesIO()
    if form == "JPEG":
        picture.convert("RGB").save(buffer, form, quality=quality)
    elif form == "WEBP":
        picture.save(buffer, form, quality=quality, method=4)
    else:
        picture.save(buffer, form, compress_level=6)
    return buffer.getvalue()
