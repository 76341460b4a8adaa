"""LaTeX to MathML, as far as it is short, shallow and made of nothing but mathematics."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from xml.etree.ElementTree import Element, tostring

from latex2mathml import exceptions
from latex2mathml.converter import Converter

_LONGEST = 2000
_DEEPEST = 60
# Commands that write attributes or that repeat what others wrote: a formula needs none of them.
_FORBIDDEN = re.compile(
    r"\\(?:href|style|class|id|cssId|unicode|def|let|(?:re|provide)?newcommand|renewcommand|require)\b"
)
_PRICE = re.compile(r"\d[\d.,]*(?:[kKmMbB]|bn)?(?:\s*[-–/]|\s+[A-Za-z]{2,}|[.,;:!?]?\s*$)[^\\^_=+<>{}]*")
_ELEMENTS = frozenset(
    "math menclose merror mfenced mfrac mi mlabeledtr mmultiscripts mn mo mover mpadded mphantom mprescripts mroot "
    "mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none".split()
)
_ATTRIBUTES = frozenset(
    "accent accentunder columnalign columnlines columnspacing depth display displaystyle fence form height largeop "
    "linebreak linethickness lspace mathbackground mathcolor mathsize mathvariant maxsize minsize movablelimits "
    "notation rowlines rowspacing rspace scriptlevel separator side stretchy symmetric voffset width".split()
)
_VALUE = re.compile(r"[A-Za-z0-9.#%+\- ]{0,60}")

# Whatever a formula can do to the converter, it ends in one of these.
_FAILURES = (
    exceptions.NumeratorNotFoundError, exceptions.DenominatorNotFoundError, exceptions.ExtraLeftOrMissingRightError,
    exceptions.MissingSuperScriptOrSubscriptError, exceptions.DoubleSubscriptsError, exceptions.DoubleSuperscriptsError,
    exceptions.NoAvailableTokensError, exceptions.InvalidStyleForGenfracError, exceptions.MissingEndError,
    exceptions.InvalidAlignmentError, exceptions.InvalidWidthError, exceptions.LimitsMustFollowMathOperatorError,
    ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError,
)  # fmt: skip


def is_price(source: str) -> bool:
    """Whether what stands between two dollar signs is money and words rather than a formula."""
    return "\\" not in source and _PRICE.fullmatch(source) is not None and not source.strip().isdigit()


@lru_cache(maxsize=512)
def mathml(source: str, *, display: bool) -> str | None:
    """`<math>…</math>` of a formula, safe to put on a page; None where the formula cannot be shown."""
    if len(source) > _LONGEST or not source.strip() or _FORBIDDEN.search(source):
        return None
    try:
        root = Converter().convert_to_element(source.strip(), None)
        root.set("display", "block" if display else "inline")
        return tostring(root, encoding="unicode") if _is_clean(root) else None
    except _FAILURES:
        return None


def _is_clean(root: Element) -> bool:
    """Whether the tree holds mathematics only. On the way its texts lose the entities that the converter writes."""
    del root.attrib["xmlns"]
    level = [root]
    for _ in range(_DEEPEST):
        if not all(_is_mathematics(element) for element in level):
            return False
        level = [child for element in level for child in element]
        if not level:
            return True
    return False


def _is_mathematics(element: Element) -> bool:
    element.text = html.unescape(element.text) if element.text else None
    element.tail = None
    return element.tag in _ELEMENTS and all(
        name in _ATTRIBUTES and _VALUE.fullmatch(value) for name, value in element.attrib.items()
    )
