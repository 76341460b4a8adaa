"""What is put into an answer's HTML after cleaning: what we trust, because we made it."""

from __future__ import annotations

import html
import re

from apps.chat import formulas, highlighting

_MOST_FORMULAS = 300
_TO_FINISH = re.compile(
    r'<pre(?: lang="(?P<info>[^"]*)")?><code>(?P<code>[^<]*)</code></pre>\n?'
    r'|<span data-math-style="(?P<style>inline|display)">(?P<formula>[^<]*)</span>'
    r"|(?P<inline><code>[^<]*</code>)"
    r"|(?P<br>&lt;br ?/?&gt;)"
)
_CLOSING_TAGS = re.compile(r"(?:</\w+>\n?)*\Z")
_LINK = '<a target="_blank" rel="noopener noreferrer nofollow" href='
_TABLE = '<div class="table" tabindex="0" role="region" aria-label="Table"><table>'


def finished(body: str, *, growing: bool = False) -> str:
    """The cleaned HTML with coloured code, formulas, links that leave and tables that scroll.

    After cleaning every `<` begins a tag of comrak's, so nothing that the model writes can look like the places filled
    here. While the block is growing, code at its very end is not coloured yet.
    """
    if "<a href=" in body:
        body = body.replace("<a href=", _LINK)
    if "<table>" in body:
        body = body.replace("<table>", _TABLE).replace("</table>", "</table></div>")
    if "<code>" in body or "<span " in body or "&lt;br" in body:
        body = _TO_FINISH.sub(_Finisher(growing), body)
    return body


class _Finisher:
    """Fills the places of one block; formulas beyond what is affordable stay source."""

    def __init__(self, growing: bool) -> None:
        self._growing = growing
        self._formulas_left = _MOST_FORMULAS

    def __call__(self, found: re.Match[str]) -> str:
        if found["code"] is not None:
            return self._code(found)
        if found["style"]:
            return self._formula(html.unescape(found["formula"]), found["style"] == "display")
        return found["inline"] or "<br>"

    def _code(self, found: re.Match[str]) -> str:
        code, info = html.unescape(found["code"]), html.unescape(found["info"] or "")
        if info == "math" and (shown := self._mathml(code, True)):
            return f"<p>{shown}</p>\n"
        growing = self._growing and _CLOSING_TAGS.match(found.string, found.end()) is not None
        return highlighting.figure(code, info, highlighted=not growing)

    def _formula(self, source: str, display: bool) -> str:
        if not display and formulas.is_price(source):
            return html.escape(f"${source}$", quote=False)
        return self._mathml(source, display) or f"<code>{html.escape(source, quote=False)}</code>"

    def _mathml(self, source: str, display: bool) -> str | None:
        self._formulas_left -= 1
        return formulas.mathml(source, display=display) if self._formulas_left >= 0 else None
