"""The HTML of an answer while it is being written, block by block; only the last block is ever rendered again."""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.chat.growing import OpenFence, calm
from apps.chat.intake import Intake
from apps.chat.markdown import block_render, definitions_add
from apps.chat.patches import Change, Patch, change
from apps.chat.splitting import Fence, blocks_split, fence_and_rest, is_blank, split, without_blank_lines

__all__ = ["Change", "Patch", "Rendering"]

# A block longer than this is rendered again only when it has grown by a tenth, so that all of it together stays linear.
_LONG = 4000
_LONG_HTML = 24_000
_NEW_PARAGRAPH = re.compile(r"\n[ \t]*\n[A-Za-z#*`]")
# So many letters show that a block has begun.
_FIRST_LETTERS = 7


class Rendering:
    """The blocks of an answer that grows.

    Blocks that are finished are rendered once; the last one, while it grows, is shown provisionally. However the text
    was cut into deltas, after `finish` the blocks are those of `markdown.blocks_render` of the whole text. `feed` costs
    as much as the last block is long, within bounds; code that is still open costs only its new letters.

    Text given at the start has not travelled yet: the first patch carries it.
    """

    def __init__(self, text: str = "") -> None:
        self._intake = Intake()
        self._sources: list[str] = []
        self._finished: list[str] = []
        self._definitions = ""
        self._last = ""
        self._waiting: list[str] = []
        self._guesses = True
        self._fence: OpenFence | None = None
        self._shown: list[str] = []
        self._in_step = 0
        self._stale = False
        self._grow(self._intake.feed(text))

    @property
    def blocks(self) -> list[str]:
        """The HTML of every block as the page has it after the patches so far."""
        if self._fence is not None and self._fence.is_shown:
            return [*self._shown[:-1], self._fence.shown]
        return list(self._shown)

    def feed(self, delta: str) -> Patch | None:
        """Take in more of the answer; None where the page may stay as it is."""
        self._grow(self._intake.feed(delta))
        return self._patch()

    def finish(self) -> Patch | None:
        """Render exactly what was provisional. Nothing may be fed afterwards."""
        self._grow(self._intake.finish())
        rest = self._last + "".join(self._waiting)
        if self._fence is not None:
            rest = self._fence_leave(self._fence)
        self._last, self._waiting = "", []
        for source in blocks_split(rest):
            self._block_finish(source)
        self._refer_backwards()
        return self._patch()

    def _grow(self, text: str) -> None:
        if self._fence is not None:
            text = self._fence_grow(self._fence, text)
        if text:
            self._waiting.append(text)
            if self._is_due():
                self._settle()

    def _is_due(self) -> bool:
        """Whether the last block is short, has grown enough, or has probably ended."""
        length = len(self._last)
        is_long = length > _LONG or (length > 0 and len(self._shown) > 0 and len(self._shown[-1]) > _LONG_HTML)
        if not is_long or sum(map(len, self._waiting)) >= length // 10:
            return True
        if not self._guesses:
            return False
        self._guesses = _NEW_PARAGRAPH.search(self._last[-1:] + "".join(self._waiting)) is None
        return not self._guesses

    def _settle(self) -> None:
        """Finish the blocks that no further word can change; the one after them is the last block now."""
        new, self._waiting = "".join(self._waiting), []
        source, self._last, self._stale = self._last + new, "", True
        if "\n" not in new and "\n" not in source[-len(new) - _FIRST_LETTERS :]:
            self._last, source = source, ""
        while source:
            *finished, self._last = split(source, complete=False) or [without_blank_lines(source)]
            for piece in finished:
                for block in fence_and_rest(piece):
                    self._block_finish(block)
            source = self._fence_enter()

    def _block_finish(self, source: str) -> None:
        self._guesses = True
        self._definitions = definitions_add(self._definitions, source)
        self._sources.append(source)
        self._finished.append(block_render(source, definitions=self._definitions))

    def _refer_backwards(self) -> None:
        """Render again what may refer to an address that was only given later."""
        for index, source in enumerate(self._sources if self._definitions else ()):
            if "[" in source:
                self._finished[index] = block_render(source, definitions=self._definitions)
                self._in_step = 0

    def _fence_enter(self) -> str:
        """Go on with the last block as open code if it begins with a fence; what follows the code, if it ends."""
        fence = Fence.opening(self._last)
        if fence is None:
            return ""
        opening, code = self._last[: fence.length], self._last[fence.length :]
        self._last, self._fence = "", OpenFence(fence, opening)
        return self._fence_grow(self._fence, code)

    def _fence_grow(self, fence: OpenFence, text: str) -> str:
        rest = fence.grow(text)
        if rest is None:
            return ""
        self._block_finish(self._fence_leave(fence))
        return rest

    def _fence_leave(self, fence: OpenFence) -> str:
        if fence.is_shown:
            self._shown[-1] = fence.shown
        self._fence = None
        return fence.source

    def _patch(self) -> Patch | None:
        changes = tuple(self._changes())
        return Patch(len(self._shown), changes) if changes else None

    def _changes(self) -> Iterator[Change]:
        for index in range(self._in_step, len(self._finished)):
            yield from self._show(index, self._finished[index])
        self._in_step = last = len(self._finished)
        if self._fence is not None:
            yield from self._show_fence(last, self._fence)
        elif self._stale and not is_blank(self._last):
            yield from self._show(last, block_render(calm(self._last), definitions=self._definitions, growing=True))
        self._stale = False

    def _show(self, index: int, html: str) -> Iterator[Change]:
        if index == len(self._shown):
            self._shown.append(html)
            yield Change(index, 0, html)
        elif self._shown[index] != html:
            yield change(index, self._shown[index], html)
            self._shown[index] = html

    def _show_fence(self, index: int, fence: OpenFence) -> Iterator[Change]:
        if fence.is_shown:
            yield from fence.changes(index)
        else:
            yield from self._show(index, fence.show())
