"""What the settings of a chat may be: the form of the page, with the ranges that frames and programs have."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.chat.frames import OPTION_RANGES
from apps.llm.router import default_options

SYSTEM_PROMPT_LIMIT = 8000
LABELS = {
    "max_tokens": ("Longest answer", "In tokens, each some four letters."),
    "temperature": ("Temperature", "0 is sober and repeatable, 2 is wild."),
    "top_p": ("Top p", "Only the likeliest words that make up this share."),
    "top_k": ("Top k", "Only so many of the likeliest words; 0 for all."),
    "repeat_penalty": ("Repeat penalty", "Above 1, the model avoids what it has said."),
    "seed": ("Seed", "The same seed and question give the same answer, where the server can."),
}


class ChatSettingsForm(forms.Form):
    """System prompt and sampling of one chat. What is left empty follows the settings of this installation."""

    system_prompt = forms.CharField(
        required=False,
        max_length=SYSTEM_PROMPT_LIMIT,
        label="How to answer in this chat",
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "For example: Answer briefly, and in French."}),
        error_messages={"max_length": f"At most {SYSTEM_PROMPT_LIMIT:,} characters are possible."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in OPTION_RANGES:
            self.fields[name] = _number(name, getattr(default_options(), name))

    @property
    def options(self) -> dict[str, float]:
        """What was chosen, without what was left empty."""
        return {name: value for name in OPTION_RANGES if (value := self.cleaned_data[name]) is not None}


def _number(name: str, default: float | None) -> forms.Field:
    kind, low, high = OPTION_RANGES[name]
    label, hint = LABELS[name]
    word = "a whole number" if kind is int else "a number"
    sentence = f"This must be {word} from {low:,.10g} to {high:,.10g}."
    attributes = {"placeholder": "at random" if default is None else f"{default:g}", "inputmode": "decimal"}
    field: Any = forms.IntegerField if kind is int else forms.FloatField
    made: forms.Field = field(
        required=False,
        min_value=low,
        max_value=high,
        label=label,
        help_text=hint,
        widget=forms.TextInput(attrs=attributes),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), sentence),
    )
    return made
