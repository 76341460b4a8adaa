"""How the hints of errors are shown: commands in backticks look like commands."""

from __future__ import annotations

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
COMMAND = re.compile(r"`([^`]+)`")


@register.filter
def commands(text: str) -> SafeString:
    """The text, escaped, with what stands in backticks as code."""
    return mark_safe(COMMAND.sub(r"<code>\1</code>", escape(text)))  # noqa: S308 - escaped before


@register.filter
def tokens(count: int) -> str:
    """A number of tokens as people say it: 8192 is 8k."""
    if count < 1000:
        return str(count)
    return f"{count // (1000 if count % 1000 == 0 else 1024)}k"
