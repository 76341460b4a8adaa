"""What the page does with patches, written in Python: the other half of the property tests."""

from __future__ import annotations

from apps.chat.blocks import Patch, Rendering


class Page:
    """The HTML of each block as a browser that got every patch has it. Lengths are JavaScript's."""

    def __init__(self) -> None:
        self.blocks: list[str] = []

    def apply(self, patch: Patch | None) -> None:
        if patch is None:
            return
        for change in patch.changes:
            self.blocks += [""] * (change.block + 1 - len(self.blocks))
            old = self.blocks[change.block].encode("utf-16-le")
            assert change.keep * 2 <= len(old)
            self.blocks[change.block] = old[: change.keep * 2].decode("utf-16-le") + change.tail
        del self.blocks[patch.count :]
        assert len(self.blocks) == patch.count


def streamed(text: str, cuts: list[int], base: str = "") -> list[str]:
    """The blocks of a page after the text came in deltas of these lengths (the rest in one), following the base."""
    rendering, page, start = Rendering(base), Page(), 0
    for length in [*cuts, len(text)]:
        page.apply(rendering.feed(text[start : start + length]))
        assert page.blocks == rendering.blocks
        start += length
    page.apply(rendering.finish())
    return page.blocks
