"""The inside of reading: from the bytes of a page to its main text. Runs in a confined process, without Django."""

from __future__ import annotations

import codecs
import re
import unicodedata
from html import unescape

TEXT_LIMIT = 60_000  # characters of one page that are kept
TITLE_LIMIT = 300
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([a-zA-Z0-9_:.-]{2,40})", re.IGNORECASE)
_LANGUAGE = re.compile(r"<html[^>]{0,500}?\slang\s*=\s*[\"']?([a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{2,8})*)", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def warm() -> bool:
    """Load what is slow to load."""
    import trafilatura

    return callable(trafilatura.extract)


def page_extract(body: bytes, charset: str, is_html: bool) -> dict[str, str]:
    """Title, main text and language of a page; texts are empty where there is none. May take long and much memory."""
    source = page_decode(body, charset)
    if not is_html:
        return {"title": "", "text": tidy(source)[:TEXT_LIMIT], "language": ""}
    from trafilatura import extract

    text = extract(source, include_comments=False, include_tables=True, fast=True) or ""
    language = _LANGUAGE.search(source[:20_000])
    title = _TITLE.search(source[:200_000])
    return {
        "title": " ".join(tidy(unescape(title[1])).split())[:TITLE_LIMIT] if title else "",
        "text": tidy(text)[:TEXT_LIMIT],
        "language": language[1].lower() if language else "",
    }


def page_decode(body: bytes, charset: str) -> str:
    """Text of bytes: what the byte order mark says, then the server, then the page, then UTF-8, then Windows' Latin."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    said = _META_CHARSET.search(body[:4096])
    for name in (charset, said[1].decode("ascii") if said else "", "utf-8"):
        try:
            if name:
                return body.decode(_usual(name))
        except (LookupError, UnicodeDecodeError):
            continue
    return body.decode(_usual(charset) if _is_known(charset) else "cp1252", "replace")


def _usual(name: str) -> str:
    """Pages that say Latin-1 mean Windows' extension of it, as every browser reads them."""
    lower = name.lower()
    return "cp1252" if lower in {"iso-8859-1", "latin-1", "latin1", "us-ascii", "ascii"} else lower


def _is_known(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def tidy(text: str) -> str:
    """Printable text in composed form, without what hides or turns letters."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return re.sub(r"\n{3,}", "\n\n", _UNPRINTABLE.sub("", plain)).strip()
