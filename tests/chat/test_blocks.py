"""A page that applies the patches of a growing answer ends with exactly what the whole answer gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.chat import markdown
from apps.chat.blocks import Change, Patch, Rendering
from tests.chat.pages import Page, streamed
from tests.chat.texts import DOCUMENT

FRAGMENTS = [
    *DOCUMENT.splitlines(keepends=True),
    *"ab \n\t*_`~[]()<>!#-+=|1.:$\\\"'&é😀\u00a0\r\0\ud800",
    *[
        "\n\n",
        "\r\n",
        "```",
        "```\n",
        "~~~\n",
        "- ",
        "  ",
        "    ",
        "> ",
        "1. ",
        "| a | b |\n",
        "|-|-|\n",
        "---\n",
        "===\n",
    ],
    *[
        "[a]",
        "[a]: /u\n",
        "$$\n",
        "\\[\n",
        "\\]\n",
        "<div>",
        "<!--",
        "-->",
        "<script>\n",
        "</script>\n",
        "<pre>\n",
        "[^1]",
    ],
]
BEGINNINGS = [f"\n\n{letters}" for letters in ("T", "**T", "`c`", "1st", "|", "#", "> ")]
MARKDOWN = st.lists(st.sampled_from(FRAGMENTS + BEGINNINGS), max_size=40).map("".join)
CUTS = st.lists(st.integers(1, 12), max_size=40)


@settings(max_examples=400, deadline=None)
@given(text=MARKDOWN, cuts=CUTS, base=st.integers(0, 8))
def test_however_an_answer_is_cut_the_page_ends_with_the_whole(text: str, cuts: list[int], base: int) -> None:
    assert streamed(text[base:], cuts, text[:base]) == markdown.blocks_render(text)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 10, 50, 10_000])
def test_a_real_answer_ends_with_the_whole(length: int) -> None:
    cuts = [length] * (len(DOCUMENT) // length)
    assert streamed(DOCUMENT, cuts) == markdown.blocks_render(DOCUMENT)


@pytest.mark.parametrize(
    "text",
    [
        "Title\n=====\n\nText",
        "a | b\n--|--\n1 | 2\n\nafter",
        "text\na | b\n--|--x",
        "text\n#hashtag",
        "text\n- item\n-",
        "- a\nlazy\n\n\n- b\n\n  c\n\nend",
        "```\na\n\n\n# no heading\n``\n```x\n````\nafter",
        "~~~ py\n```\n~~~\n```\nopen",
        "   ```\n   indented\n  less\n   ```\n\nafter",
        "```\nx\n```\n<div>\nraw\n\n# h",
        "a\n\n<!--\n\n# no heading\n\n-->\n\n# heading",
        "para\n\n[a]: /u\n- [ ] a\n",
        "[x][later]\n\nb\n\n[later]: https://example.org\n",
        "    code\n\n    more\n\ntext",
        "1. one\n\n2. two\n\n   ```py\n   x = 1\n   ```\n3. three\n\nend",
        "ends with return\r",
        "one\r\n\r\ntwo\rthree",
    ],
)
def test_each_turn_that_markdown_can_take_letter_by_letter(text: str) -> None:
    assert streamed(text, [1] * len(text)) == markdown.blocks_render(text)


def test_plain_words_travel_once() -> None:
    rendering = Rendering()
    assert rendering.feed("Hello") == Patch(1, (Change(0, 0, "<p>Hello</p>\n"),))
    assert rendering.feed(" world") == Patch(1, (Change(0, 8, " world</p>\n"),))
    assert rendering.finish() is None


def test_what_is_kept_is_counted_as_javascript_counts() -> None:
    rendering = Rendering()
    rendering.feed("😀é")
    assert rendering.feed("x") == Patch(1, (Change(0, 6, "x</p>\n"),))


@pytest.mark.parametrize("beginning", ["T", "**T", "`c", "# T", "1st", "(", "é", "> "])
def test_a_block_after_a_blank_line_begins_with_its_first_letters(beginning: str) -> None:
    rendering = Rendering()
    rendering.feed("- one\n- two\n\n")
    rendering.feed(beginning)
    assert len(rendering.blocks) == 2


@pytest.mark.parametrize("beginning", ["*", "- ", "1", "12", "<", "[", "  T", "#", "``"])
def test_what_may_still_belong_to_the_block_before_is_not_cut_off(beginning: str) -> None:
    rendering = Rendering()
    rendering.feed("- one\n- two\n\n")
    rendering.feed(beginning)
    assert len(rendering.blocks) == 1


def test_a_finished_block_travels_no_more() -> None:
    rendering = Rendering()
    rendering.feed("one\n\ntwo\n")
    patch = rendering.feed("three")
    assert patch is not None
    assert [change.block for change in patch.changes] == [1]


def test_a_patch_in_a_frame() -> None:
    assert Patch(3, (Change(2, 120, " more</p>"),)).as_json() == {"count": 3, "blocks": [[2, 120, " more</p>"]]}


def test_an_answer_that_goes_on_sends_what_was_there_first() -> None:
    rendering, page = Rendering("# Title\n\nSome te"), Page()
    patch = rendering.feed("xt")
    assert patch is not None
    assert [change.keep for change in patch.changes] == [0, 0]
    page.apply(patch)
    assert "".join(page.blocks) == "<h3>Title</h3>\n<p>Some text</p>\n"


def test_an_answer_that_goes_on_inside_of_code() -> None:
    assert streamed(" = 1\n```\nafter", [3, 2, 4], "```py\nx") == markdown.blocks_render("```py\nx = 1\n```\nafter")


def test_an_answer_that_goes_on_with_nothing_is_sent_at_the_end() -> None:
    page = Page()
    page.apply(Rendering("Some *text*").finish())
    assert page.blocks == markdown.blocks_render("Some *text*")


def test_open_code_costs_only_its_new_letters() -> None:
    rendering = Rendering()
    rendering.feed("```py\n" + "x = '<'\n" * 1000)
    patch = rendering.feed("y<")
    assert patch is not None
    assert patch.changes[0].tail == "y&lt;</code></pre></figure>\n"


def test_code_is_coloured_once_it_is_closed() -> None:
    rendering = Rendering()
    rendering.feed("```py\nimport os\n")
    assert "<span" not in rendering.blocks[0]
    rendering.feed("```\n")
    assert '<span class="k">import' in rendering.blocks[0]


def test_a_very_long_block_is_rendered_in_steps_and_complete_at_the_end() -> None:
    text = "".join(f"- item {n} with some words\n" for n in range(600))
    rendering, page, patches = Rendering(), Page(), 0
    for start in range(0, len(text), 10):
        patch = rendering.feed(text[start : start + 10])
        patches += patch is not None
        page.apply(patch)
    page.apply(rendering.finish())
    assert page.blocks == markdown.blocks_render(text)
    assert patches < len(text) / 10 / 2


def test_a_paragraph_after_a_very_long_block_appears_at_once() -> None:
    rendering = Rendering()
    rendering.feed("- item\n" * 2000)
    rendering.feed("\nAfter it\n")
    assert "<p>After it</p>\n" in rendering.blocks
