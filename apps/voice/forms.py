"""What people may choose on the voice page."""

from __future__ import annotations

from django import forms

from apps.voice.cards import voice_choices
from apps.voice.selectors import Taste
from apps.voice.services import FASTEST, SLOWEST
from apps.voice.shapes import LANGUAGE

SPEEDS = [("0.75", "Slow"), ("1.0", "As usual"), ("1.25", "Brisk"), ("1.5", "Fast"), ("2.0", "Very fast")]


class TasteForm(forms.Form):
    """How somebody likes to be spoken to."""

    voice = forms.ChoiceField(required=False)
    speed = forms.TypedChoiceField(choices=SPEEDS, coerce=float)
    language = forms.RegexField(
        LANGUAGE, max_length=16, label="The language you speak", help_text="Such as <code>en</code> or <code>de</code>."
    )
    browser_voice = forms.BooleanField(required=False, label="Let this browser speak, in its own voices")
    stop_answer = forms.BooleanField(required=False, label="When I interrupt, stop the answer too")

    def __init__(self, data: object = None, *, taste: Taste) -> None:
        initial = {name: getattr(taste, name) for name in Taste.__slots__} | {"speed": str(taste.speed)}
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        chosen = self.fields["voice"]
        if isinstance(chosen, forms.ChoiceField):
            chosen.choices = voice_choices(taste.voice)

    def clean_speed(self) -> float:
        return max(SLOWEST, min(FASTEST, float(self.cleaned_data["speed"])))
