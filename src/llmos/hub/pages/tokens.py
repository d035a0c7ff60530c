"""A member's access tokens: made with a role and, if wished, for chosen repositories only.

Accounts keeps tokens and the hub knows repositories, so the page that needs both lives here.
"""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from llmos.accounts.access import Viewer
from llmos.accounts.actions import create_token, revoke_token
from llmos.accounts.models import Token, User
from llmos.accounts.queries import tokens_of
from llmos.hub.actions import grant_to_token
from llmos.hub.door import signed_in
from llmos.hub.kinds import KINDS, Kind
from llmos.hub.models import TokenGrant
from llmos.kit.errors import Invalid, Refusal
from llmos.kit.time import now

MOST_GRANTS = 100  # names on one form


class NewTokenForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("Where it is used, so that you know later: laptop, CI, …"),
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[
            ("read", gettext_lazy("read: sees what you see, changes nothing")),
            ("write", gettext_lazy("write: also changes whatever you may change")),
        ],
        initial="read",
        widget=forms.RadioSelect,
    )
    days = forms.TypedChoiceField(
        label=gettext_lazy("Ends"),
        coerce=int,
        choices=[
            (0, gettext_lazy("never")),
            (7, gettext_lazy("in 7 days")),
            (30, gettext_lazy("in 30 days")),
            (90, gettext_lazy("in 90 days")),
            (365, gettext_lazy("in a year")),
        ],
    )
    repositories = forms.CharField(
        label=gettext_lazy("Only for these repositories"),
        required=False,
        help_text=gettext_lazy(
            "One a line, such as ada/model or datasets/ada/words; empty means all"
        ),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )

    def clean_repositories(self) -> list[tuple[Kind, str]]:
        names = str(self.cleaned_data["repositories"]).split()
        if len(names) > MOST_GRANTS:
            raise forms.ValidationError(_("A token is for at most 100 chosen repositories"))
        return [_kind_and_name(name) for name in names]


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    form, secret = NewTokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            secret = _make(viewer, form.cleaned_data)
            form = NewTokenForm()
        except Refusal as refusal:
            form.add_error(None, refusal.message)
    return _page(request, viewer, form=form, secret=secret)


@require_POST
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    revoke_token(user=_member(signed_in(request)), token_id=number)
    messages.success(request, _("The token is revoked: it opens nothing any more"))
    return HttpResponseRedirect("/settings/tokens")


@transaction.atomic
def _make(viewer: Viewer, told: dict[str, Any]) -> str:
    """The secret of a new token; all of its grants are given, or no token is made."""
    token, secret = create_token(
        user=_member(viewer),
        name=told["name"],
        role=told["role"],
        scoped=bool(told["repositories"]),
        expires_at=now() + timedelta(days=told["days"]) if told["days"] else None,
    )
    for kind, full_name in told["repositories"]:
        try:
            grant_to_token(viewer=viewer, token_id=token.pk, kind=kind, full_name=full_name)
        except Refusal as refusal:
            raise Invalid(f"{kind.prefix}{full_name}: {refusal.message}") from refusal
    return secret


def _page(request: HttpRequest, viewer: Viewer, **context: Any) -> HttpResponse:
    held = tokens_of(_member(viewer).pk)
    grants: dict[int, list[str]] = {token.pk: [] for token in held}
    for grant in TokenGrant.objects.filter(token__in=held).select_related("repository"):
        grants[grant.token_id].append(str(grant.repository))
    shown = [
        {"token": token, "grants": grants[token.pk], "over": _is_over(token)} for token in held
    ]
    response = render(
        request, "accounts/tokens.html", {"active": "tokens", "held": shown, **context}
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _member(viewer: Viewer) -> User:
    assert viewer.user_id is not None
    return User.objects.get(pk=viewer.user_id)


def _is_over(token: Token) -> bool:
    return token.expires_at is not None and token.expires_at <= now()


def _kind_and_name(written: str) -> tuple[Kind, str]:
    """`datasets/ada/words` → (data set, `ada/words`)."""
    for kind in KINDS.values():
        if kind.prefix and written.startswith(kind.prefix):
            return kind, written.removeprefix(kind.prefix)
    return KINDS["model"], written


urlpatterns = [
    path("settings/tokens", tokens, name="settings_tokens"),
    path("settings/tokens/<int:number>/revoke", revoke),
]
