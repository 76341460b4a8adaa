"""Why an administrator does something: a form that wants a sentence."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from apps.core.office.auditing import REASON_LIMIT

SHORTEST, FEWEST_WORDS = 15, 3
TOO_SHORT = "Say why in a sentence: at least three words, so that somebody else understands it next year."


def validate_sentence(value: str) -> None:
    """Refuse what tells nobody anything."""
    words = [word for word in value.split() if any(letter.isalpha() for letter in word)]
    if len(value.strip()) < SHORTEST or len(words) < FEWEST_WORDS:
        raise ValidationError(TOO_SHORT)


class ReasonForm(forms.Form):
    """One sentence, which goes into the audit log."""

    reason = forms.CharField(
        label="Why",
        max_length=REASON_LIMIT,
        strip=True,
        validators=[validate_sentence],
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        error_messages={"required": TOO_SHORT},
    )


class MaybeReasonForm(forms.Form):
    """The same where a reason is welcome and not needed."""

    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=REASON_LIMIT,
        help_text="Kept in the audit log. You may leave it empty.",
        widget=forms.Textarea(attrs={"rows": 2, "cols": 60}),
    )
