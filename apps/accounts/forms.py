"""What people may type on the pages of accounts, and what is wrong with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm, UserCreationForm
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from apps.accounts.models import HookEvent, Scope, User, everyday_scopes
from apps.accounts.throttle import Attempt
from apps.core.addresses import request_address

if TYPE_CHECKING:
    NewUserForm = UserCreationForm[User]
    UserForm = forms.ModelForm[User]
    PasswordForm = SetPasswordForm[Any]
else:  # Django's forms are generic for the type checker alone
    NewUserForm, UserForm, PasswordForm = UserCreationForm, forms.ModelForm, SetPasswordForm

LIFETIMES = [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")]


class SignInForm(AuthenticationForm):
    """User name and password; slows down who guesses."""

    error_messages = {
        "invalid_login": "User name and password do not go together. Mind upper and lower case.",
        "inactive": "This account is switched off. Ask an administrator.",
        "too_many": "Too many attempts. Wait a quarter of an hour, or ask an administrator for a sign-in link.",
    }
    request: HttpRequest

    def clean(self) -> dict[str, Any]:
        username = str(self.cleaned_data.get("username") or "")
        attempt = Attempt(username=username, address=request_address(self.request))
        if not attempt.is_allowed():
            raise forms.ValidationError(self.error_messages["too_many"], code="too_many")
        cleaned = super().clean()
        attempt.forget()
        return cleaned


class SignUpForm(NewUserForm):
    """A name nobody has yet, and a password twice."""

    class Meta:
        model = User
        fields = ("username",)


class PreferencesForm(UserForm):
    """How the page looks, and what every chat of this user begins with."""

    class Meta:
        model = User
        fields = ("theme", "system_prompt")
        widgets = {"system_prompt": forms.Textarea(attrs={"rows": 5, "maxlength": 8000})}


class ApiKeyForm(forms.Form):
    """A name, what the key may do, and when it ends."""

    name = forms.CharField(max_length=100, help_text="What will use it: a script, an editor, a phone.")
    lifetime = forms.ChoiceField(choices=LIFETIMES, required=False, label="Ends")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [choice for choice in Scope.choices if user.is_staff or Scope(choice[0]).area != Scope.ADMIN]
        self.fields["scopes"] = forms.MultipleChoiceField(
            choices=offered, initial=everyday_scopes(), widget=forms.CheckboxSelectMultiple, label="May be used for"
        )

    def expires(self) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class WebhookForm(forms.Form):
    """Where to, and about what."""

    url = forms.URLField(
        max_length=2000,
        label="Address",
        assume_scheme="https",
        help_text="One on the public internet. An administrator can allow others, in FETCH_ALLOWED_PRIVATE.",
    )
    events = forms.MultipleChoiceField(
        choices=HookEvent.choices, initial=[HookEvent.ANSWER], widget=forms.CheckboxSelectMultiple, label="Tell it when"
    )


def password_form(user: User, data: QueryDict | None = None) -> PasswordForm:
    """The old password and a new one; who came by a link and has none yet sets one without."""
    form = PasswordChangeForm if user.has_usable_password() else SetPasswordForm
    return form(user, data)
