"""Pages about oneself and one's organisations; signing in itself is django-allauth's.

Every change is a POST that ends in a redirect, except where a secret is shown: that page is
the reply itself, since nothing may keep the secret.
"""

from typing import Any, cast

from allauth.account.decorators import reauthentication_required
from allauth.account.utils import perform_login
from django.contrib import messages
from django.contrib.auth import logout
from django.core.cache import cache
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from llmos.accounts import actions, devices, tasks
from llmos.accounts.adapter import INVITATION_KEY
from llmos.accounts.captcha import new_task
from llmos.accounts.errors import (
    CannotLeaveYet,
    NoSuchMember,
    NoSuchOrganisation,
    NotYourOrganisation,
)
from llmos.accounts.exports import export_of, take_export
from llmos.accounts.forms import (
    DeviceForm,
    InvitationForm,
    MemberInvitationForm,
    NewOrganisationForm,
    OrganisationProfileForm,
    ProfileForm,
    RoleForm,
)
from llmos.accounts.leaving import outlook
from llmos.accounts.links import use_link, user_of_link
from llmos.accounts.models import Namespace, Organisation, Role, User
from llmos.accounts.queries import (
    includes,
    members_of,
    memberships_of,
    open_invitations,
    organisation_named,
    role_in,
    user_named,
)
from llmos.accounts.security import security_of
from llmos.kit.errors import Busy, Forbidden, NotFound, Refusal, Unauthenticated

CODES_AN_HOUR = 30  # typed by one member; guessing one of 25 billion takes longer

form_page = require_http_methods(["GET", "HEAD", "POST"])


def signed_in(request: HttpRequest) -> User:
    """The member behind a page. Raises Unauthenticated, which leads to the sign-in page."""
    if not request.user.is_authenticated:
        raise Unauthenticated(_("Sign in to see this page"))
    return request.user


@require_GET
def settings_root(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/settings/profile")


@form_page
def profile(request: HttpRequest) -> HttpResponse:
    namespace = signed_in(request).namespace
    form = ProfileForm(request.POST or None, request.FILES or None, initial=_profile_of(namespace))
    if request.method == "POST" and form.is_valid() and _save_profile(form, namespace):
        messages.success(request, _("Your profile is saved"))
        return HttpResponseRedirect("/settings/profile")
    return _page(request, "profile", form=form, namespace=namespace)


@require_GET
def account(request: HttpRequest) -> HttpResponse:
    return _page(request, "account", security=security_of(signed_in(request)))


@require_GET
def organisations(request: HttpRequest) -> HttpResponse:
    return _page(request, "organisations", memberships=memberships_of(signed_in(request).pk))


@form_page
def new_organisation(request: HttpRequest) -> HttpResponse:
    owner = signed_in(request)
    form = NewOrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.create_organisation(owner=owner, **form.cleaned_data)
        except Refusal as refusal:
            form.add_error("name", refusal.message)
        else:
            return HttpResponseRedirect(f"/{made.namespace.name}")
    return _page(request, "new_organisation", form=form)


@form_page
def organisation_settings(request: HttpRequest, name: str) -> HttpResponse:
    organisation = _managed(request, name)
    namespace = organisation.namespace
    first = {**_profile_of(namespace), "private_by_default": organisation.private_by_default}
    form = OrganisationProfileForm(request.POST or None, request.FILES or None, initial=first)
    if request.method == "POST" and form.is_valid() and _save_profile(form, namespace):
        actions.change_organisation(
            organisation=organisation,
            private_by_default=form.cleaned_data["private_by_default"],
        )
        messages.success(request, _("The settings are saved"))
        return HttpResponseRedirect(request.path)
    return _organisation_page(request, organisation, form=form)


@require_POST
def set_role(request: HttpRequest, name: str, member: str) -> HttpResponse:
    organisation = _managed(request, name)
    user = _member(organisation, member)
    form = RoleForm(request.POST)
    if form.is_valid():
        role = Role(form.cleaned_data["role"])
        actions.set_member_role(organisation=organisation, user=user, role=role)
        messages.success(
            request, _("%(name)s has the role %(role)s") % {"name": user.username, "role": _(role)}
        )
    return HttpResponseRedirect(f"/organizations/{organisation.namespace.name}/settings")


@require_POST
def remove_member(request: HttpRequest, name: str, member: str) -> HttpResponse:
    organisation = _managed(request, name)
    actions.remove_member(organisation=organisation, user=_member(organisation, member))
    messages.success(request, _("%(name)s is no longer a member") % {"name": member})
    return HttpResponseRedirect(f"/organizations/{organisation.namespace.name}/settings")


@require_POST
def leave(request: HttpRequest, name: str) -> HttpResponse:
    organisation = _organisation(name)
    actions.remove_member(organisation=organisation, user=signed_in(request))
    return HttpResponseRedirect("/settings/organizations")


@require_POST
def invite_member(request: HttpRequest, name: str) -> HttpResponse:
    organisation = _managed(request, name)
    form = MemberInvitationForm(request.POST)
    if not form.is_valid():
        return _organisation_page(request, organisation, invitation_form=form)
    _invitation, secret = actions.invite(
        invited_by=signed_in(request), organisation=organisation, **form.cleaned_data
    )
    return _organisation_page(request, organisation, link=_join_link(request, secret))


@require_POST
def withdraw_member_invitation(request: HttpRequest, name: str, number: int) -> HttpResponse:
    organisation = _managed(request, name)
    actions.withdraw_invitation(organisation=organisation, invitation_id=number)
    return HttpResponseRedirect(f"/organizations/{organisation.namespace.name}/settings")


@form_page
def invitations(request: HttpRequest) -> HttpResponse:
    """Invitations to the hub itself, by its administrators."""
    admin = _administrator(request)
    form, link = InvitationForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        _invitation, secret = actions.invite(invited_by=admin, **form.cleaned_data)
        form, link = InvitationForm(), _join_link(request, secret)
    return _page(request, "invitations", form=form, link=link, invitations=open_invitations(None))


@require_POST
def withdraw_invitation(request: HttpRequest, number: int) -> HttpResponse:
    _administrator(request)
    actions.withdraw_invitation(organisation=None, invitation_id=number)
    return HttpResponseRedirect("/settings/invitations")


@require_GET
def data(request: HttpRequest) -> HttpResponse:
    """What a member may take along, and the way out."""
    return _page(request, "data", export=export_of(signed_in(request)))


@require_POST
def ask_for_export(request: HttpRequest) -> HttpResponse:
    tasks.order_export(signed_in(request))
    return HttpResponseRedirect("/settings/data")


@require_POST
def fetch_export(request: HttpRequest) -> HttpResponseBase:
    """The archive, once; a POST, since whatever looks at links must not use it up."""
    user = signed_in(request)
    answer = FileResponse(
        take_export(user), as_attachment=True, filename=f"{user.username}-data.zip"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@form_page
@reauthentication_required  # type: ignore[untyped-decorator]  # password or second factor, again
def leave_for_good(request: HttpRequest) -> HttpResponse:
    user, problem = signed_in(request), ""
    if request.method == "POST":
        if request.POST.get("name", "").strip() != user.username:
            problem = _("Type your name as it is written above")
        else:
            try:
                tasks.order_departure(user, removes_text=bool(request.POST.get("removes_text")))
            except CannotLeaveYet as refusal:
                problem = refusal.message
            else:
                logout(request)
                return render(request, "accounts/left.html")
    in_the_way, goes = outlook(user)
    return _page(request, "leave", in_the_way=in_the_way, goes=goes, problem=problem)


@form_page
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """What an invitation's link opens: to members a button, to others the way to sign up."""
    invitation = actions.invitation_of(secret)
    if request.user.is_authenticated and request.method == "POST":
        actions.accept_invitation(secret=secret, user=signed_in(request))
        joined = invitation.organisation
        return HttpResponseRedirect(f"/{joined.namespace.name}" if joined else "/")
    if not request.user.is_authenticated:
        request.session[INVITATION_KEY] = secret
    return _page(request, "join", invitation=invitation, here=request.path)


@form_page
def device(request: HttpRequest) -> HttpResponse:
    """Where a member lets a terminal in that shows a code."""
    user = signed_in(request)
    typed = request.POST.get("code") or request.GET.get("code") or ""
    form = DeviceForm({"code": typed} if typed else None)
    if not typed or not form.is_valid():
        return _page(request, "device", form=form, code=None)
    _limit_codes(user)
    try:
        code = devices.pending_code(typed)
        if decision := request.POST.get("decision"):
            devices.decide_pairing(user=user, typed=typed, approve=decision == "approve")
            return _page(request, "device_decided", approved=decision == "approve")
    except NotFound as refusal:
        form.add_error("code", refusal.message)
        return _page(request, "device", form=form, code=None)
    return _page(request, "device", form=form, code=code)


@require_GET
def challenge(request: HttpRequest) -> HttpResponse:
    """A task for the browser of who signs up."""
    answer = JsonResponse(new_task())
    answer.headers["Cache-Control"] = "no-store"
    return answer


@form_page
def link(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time sign-in. Looking uses nothing up, since mail and chat programs look at links."""
    if request.method != "POST":
        return _page(request, "link", member=user_of_link(token))
    user = use_link(token)
    # allauth's own way in: a second factor is still asked for.
    return cast(HttpResponse, perform_login(request, user, email_verification="none"))


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    response = render(request, f"accounts/{template}.html", {"active": template, **context})
    response.headers["Cache-Control"] = "no-store"
    return response


def _organisation_page(
    request: HttpRequest, organisation: Organisation, **context: Any
) -> HttpResponse:
    first = {
        **_profile_of(organisation.namespace),
        "private_by_default": organisation.private_by_default,
    }
    told = {
        "form": OrganisationProfileForm(initial=first),
        "invitation_form": MemberInvitationForm(),
        "link": "",
        "organisation": organisation,
        "namespace": organisation.namespace,
        "members": members_of(organisation.pk),
        "invitations": open_invitations(organisation),
        "roles": Role.values,
    }
    return _page(request, "organisation_settings", **{**told, **context})


def _profile_of(namespace: Namespace) -> dict[str, str | bool]:
    return {
        "full_name": namespace.full_name,
        "bio": namespace.bio,
        "website": namespace.website,
        "has_picture": bool(namespace.avatar),
    }


def _save_profile(form: ProfileForm, namespace: Namespace) -> bool:
    """Save what a valid form says; a refused picture becomes the form's error."""
    told = form.cleaned_data
    try:
        if told["picture"] is not None:
            actions.change_picture(namespace=namespace, content=told["picture"].read())
        elif told.get("remove_picture"):
            actions.change_picture(namespace=namespace, content=None)
    except Refusal as refusal:
        form.add_error("picture", refusal.message)
        return False
    actions.change_profile(
        namespace=namespace,
        full_name=told["full_name"],
        bio=told["bio"],
        website=told["website"],
    )
    return True


def _organisation(name: str) -> Organisation:
    organisation = organisation_named(name)
    if organisation is None:
        raise NoSuchOrganisation(name)
    return organisation


def _managed(request: HttpRequest, name: str) -> Organisation:
    """An organisation that the viewer administers. Raises NotYourOrganisation."""
    user, organisation = signed_in(request), _organisation(name)
    role = role_in(user.pk, organisation.namespace_id)
    if not user.is_staff and not includes(role, Role.ADMIN):
        raise NotYourOrganisation(name)
    return organisation


def _member(organisation: Organisation, name: str) -> User:
    user = user_named(name)
    if user is None or not organisation.memberships.filter(user=user).exists():
        raise NoSuchMember(name)
    return user


def _administrator(request: HttpRequest) -> User:
    user = signed_in(request)
    if not user.is_staff:
        raise Forbidden(_("Only administrators of this hub see this page"))
    return user


def _join_link(request: HttpRequest, secret: str) -> str:
    return request.build_absolute_uri(f"/join/{secret}")


def _limit_codes(user: User) -> None:
    key = f"device-codes:{user.pk}"
    cache.add(key, 0, timeout=3600)
    if cache.incr(key) > CODES_AN_HOUR:
        raise Busy(_("Too many codes were tried; wait an hour"), headers={"Retry-After": "3600"})


urlpatterns = [
    path("settings", settings_root),
    path("settings/profile", profile, name="settings_profile"),
    path("settings/account", account, name="settings_account"),
    path("settings/organizations", organisations, name="settings_organisations"),
    path("settings/invitations", invitations, name="settings_invitations"),
    path("settings/invitations/<int:number>/withdraw", withdraw_invitation),
    path("settings/data", data, name="settings_data"),
    path("settings/data/export", ask_for_export),
    path("settings/data/export/fetch", fetch_export),
    path("settings/data/delete", leave_for_good),
    path("organizations/new", new_organisation, name="new_organisation"),
    path("organizations/<str:name>/settings", organisation_settings, name="organisation_settings"),
    path("organizations/<str:name>/leave", leave),
    path("organizations/<str:name>/members/<str:member>/role", set_role),
    path("organizations/<str:name>/members/<str:member>/remove", remove_member),
    path("organizations/<str:name>/invitations", invite_member),
    path("organizations/<str:name>/invitations/<int:number>/withdraw", withdraw_member_invitation),
    path("join/<str:secret>", join, name="join"),
    path("device", device, name="device"),
    path("accounts/task", challenge),
    path("accounts/link/<str:token>", link, name="sign_in_link"),
]
