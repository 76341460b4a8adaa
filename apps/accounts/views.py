"""Pages of signing in and out, and of what belongs to oneself."""

from __future__ import annotations

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts import hooks, selectors, services
from apps.accounts.forms import (
    ApiKeyForm,
    PasswordForm,
    PreferencesForm,
    SignInForm,
    SignUpForm,
    WebhookForm,
    password_form,
)
from apps.accounts.models import Theme, User

BACKEND = "django.contrib.auth.backends.ModelBackend"


def signed_in(request: HttpRequest) -> User:
    """The user of a page that needs one; the middleware has sent everybody else to the sign-in page."""
    return cast(User, request.user)


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    """User name and password, for whoever has them; the page says how to get in without."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    extra_context = {"sign_up_open": settings.SIGN_UP_OPEN}


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("accounts:sign-in")


@login_not_required
@never_cache
@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """A new account by oneself, where the installation allows that; no such page elsewhere."""
    if not settings.SIGN_UP_OPEN:
        raise Http404
    form = SignUpForm(request.POST or None)
    if not form.is_valid():
        return render(request, "accounts/sign_up.html", {"form": form}, status=400 if form.is_bound else 200)
    login(request, form.save(), backend=BACKEND)
    return redirect("/")


@login_not_required
@never_cache
@require_GET
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Let in whoever has a link that still works; once."""
    user = services.sign_in_link_use(token=token)
    if user is None:
        return render(request, "accounts/link_ended.html", status=410)
    login(request, user, backend=BACKEND)
    return redirect("/")


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme that the page's own switch has chosen."""
    chosen = request.POST.get("theme", "")
    if chosen not in Theme.values:
        return HttpResponse("theme must be one of " + ", ".join(Theme.values), status=400, content_type="text/plain")
    services.theme_save(user=signed_in(request), theme=chosen)
    return HttpResponse(status=204)


@never_cache
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """The settings page; a POST saves theme and system prompt."""
    if request.method == "GET":
        return settings_page(request)
    form = PreferencesForm(request.POST, instance=signed_in(request))
    if not form.is_valid():
        return settings_page(request, preferences_form=form)
    services.preferences_save(user=signed_in(request), **form.cleaned_data)
    messages.success(request, "Saved.")
    return redirect("accounts:settings")


@require_POST
def password(request: HttpRequest) -> HttpResponse:
    """A new password; other browsers are signed out, this one stays."""
    form = password_form(signed_in(request), request.POST)
    if not form.is_valid():
        return settings_page(request, wrong_password_form=form)
    services.password_set(user=signed_in(request), password=form.cleaned_data["new_password1"])
    update_session_auth_hash(request, signed_in(request))
    messages.success(request, "The password is changed. Other browsers are signed out.")
    return redirect("accounts:settings")


@require_POST
def key_create(request: HttpRequest) -> HttpResponse:
    """A new key, shown on the page that answers and nowhere else."""
    user = signed_in(request)
    form = ApiKeyForm(request.POST, user=user)
    if not form.is_valid():
        return settings_page(request, key_form=form)
    made = services.api_key_create(
        user=user, name=form.cleaned_data["name"], scopes=form.cleaned_data["scopes"], expires=form.expires()
    )
    return settings_page(request, new_key=made.secret)


@require_POST
def key_revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    key = selectors.api_keys_of_user(user=signed_in(request)).filter(pk=key_id).first()
    if key is None:
        raise Http404
    services.api_key_revoke(key=key)
    messages.success(request, f"The key {key.name} is revoked.")
    return redirect("accounts:settings")


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session of this user, this one included."""
    services.sessions_end(user=signed_in(request))
    logout(request)
    return redirect("accounts:sign-in")


def settings_page(
    request: HttpRequest,
    *,
    preferences_form: PreferencesForm | None = None,
    wrong_password_form: PasswordForm | None = None,
    key_form: ApiKeyForm | None = None,
    new_key: str = "",
    hook_form: WebhookForm | None = None,
    new_hook: str = "",
) -> HttpResponse:
    """All cards of the settings page; a form that was filled in wrongly keeps what was typed, with status 400."""
    user = User.objects.get(pk=signed_in(request).pk)  # a form has put its values, right or wrong, into request.user
    wrong = any((preferences_form, wrong_password_form, key_form, hook_form))
    context = {
        "preferences_form": preferences_form or PreferencesForm(instance=user),
        "password_form": wrong_password_form or password_form(user),
        "key_form": key_form or ApiKeyForm(user=user),
        "keys": selectors.api_keys_of_user(user=user),
        "new_key": new_key,
        "hook_form": hook_form or WebhookForm(),
        "hooks": hooks.webhooks_of(user=user),
        "new_hook": new_hook,
    }
    return render(request, "accounts/settings.html", context, status=400 if wrong else 200)
