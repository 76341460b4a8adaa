"""What a model writes becomes HTML that may stand on a page."""

from __future__ import annotations

import pytest

from apps.chat import markdown
from apps.chat.intake import printable
from tests.chat.texts import DOCUMENT


def test_a_paragraph_with_emphasis_and_code() -> None:
    assert markdown.render("**Bold** and `a < b`") == "<p><strong>Bold</strong> and <code>a &lt; b</code></p>\n"


def test_headings_start_below_those_of_the_page() -> None:
    assert markdown.render("# One\n\n###### Six") == "<h3>One</h3>\n<h6>Six</h6>\n"


def test_tables_scroll_and_keep_their_alignment() -> None:
    html = markdown.render("| a | b |\n|---|--:|\n| 1 | 2 |")
    assert html.startswith('<div class="table" tabindex="0" role="region" aria-label="Table"><table>')
    assert '<td align="right">2</td>' in html
    assert html.endswith("</table></div>\n")


def test_tasks_are_checkboxes_that_cannot_be_changed() -> None:
    html = markdown.render("- [x] done\n- [ ] open")
    assert '<input type="checkbox" checked="" disabled="">' in html
    assert '<input type="checkbox" disabled="">' in html


def test_links_leave_in_a_window_that_knows_nothing_of_us() -> None:
    html = markdown.render("[here](https://example.org/a?b=1&c=2)")
    assert html == (
        '<p><a target="_blank" rel="noopener noreferrer nofollow" href="https://example.org/a?b=1&amp;c=2">here</a></p>\n'
    )


def test_addresses_in_the_text_become_links() -> None:
    assert 'href="https://example.org"' in markdown.render("see https://example.org.")


def test_line_breaks_that_models_write_into_cells_break_the_line() -> None:
    assert "<td>a<br>b</td>" in markdown.render("| h |\n|---|\n| a<br>b |")


def test_line_breaks_within_code_stay_code() -> None:
    assert markdown.render("`<br>`") == "<p><code>&lt;br&gt;</code></p>\n"


def test_code_has_its_language_its_label_and_colours() -> None:
    html = markdown.render("```py\ndef f(): pass\n```")
    assert html == (
        '<figure class="code" data-language="python"><figcaption>Python</figcaption><pre><code>'
        '<span class="k">def </span><span class="nf">f</span>(): <span class="k">pass\n</span></code></pre></figure>\n'
    )


def test_code_in_an_unknown_language_is_plain_and_says_which() -> None:
    html = markdown.render("```brainwave\n<a>\n```")
    assert html == (
        '<figure class="code" data-language="brainwave"><figcaption>brainwave</figcaption><pre><code>'
        "&lt;a&gt;\n</code></pre></figure>\n"
    )


def test_very_long_code_is_not_coloured() -> None:
    assert "<span" not in markdown.render("```python\n" + "x = 1\n" * 4000 + "```")


def test_code_survives_to_the_letter() -> None:
    code = 'if a && b < c:\n\tprint("&amp; <b>\\n")\n\n\n    # é 😀 \u2028'
    html = markdown.render(f"```python\n{code}\n```")
    assert markdown.plain(f"```\n{code}\n```").split("\n")[0] == "if a && b < c:"
    assert "é 😀" in html


def test_references_reach_definitions_anywhere_in_the_text() -> None:
    html = markdown.render("See [the page][1].\n\nMore.\n\n[1]: https://example.org/one\n")
    assert 'href="https://example.org/one">the page</a>' in html
    assert "[1]:" not in html


def test_definitions_within_code_define_nothing() -> None:
    assert "<a " not in markdown.render("[x]\n\n```\n[x]: https://example.org\n```\n")


def test_html_blocks_are_shown_as_text_in_a_paragraph() -> None:
    assert markdown.render("a\n\n<div>\nb\n</div>\n\nc") == (
        "<p>a</p>\n<p>&lt;div&gt;\nb\n&lt;/div&gt;</p>\n<p>c</p>\n"
    )


def test_a_document_rendered_in_blocks_is_the_document_rendered_at_once() -> None:
    assert markdown.render(DOCUMENT) == markdown.block_render(printable(DOCUMENT))


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t\n \n"])
def test_nothing_gives_nothing(text: str) -> None:
    assert markdown.render(text) == ""
    assert markdown.blocks_render(text) == []


def test_plain_text_has_no_markup_and_one_line_for_each_block() -> None:
    text = "# A *b*\n\n- [x](https://e.org) & `c`\n- ![picture](/gallery/a.png)\n\n> <b>q</b>"
    assert markdown.plain(text) == "A b\nx & c\npicture\n<b>q</b>"
