"""Branches and tags of a repository: which there are, making and removing them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from llmos.hub.access import Wants
from llmos.hub.actions import record_push
from llmos.hub.addresses import repo_paths
from llmos.hub.door import Opened, opened
from llmos.hub.frame import repo_page
from llmos.hub.git import refs
from llmos.hub.git.refs import NOTHING, Ref
from llmos.kit.errors import Forbidden, Invalid, Refusal


def branches(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    wants: Wants = "write" if request.method == "POST" else "read"
    at = opened(request, type_, ns, name, wants=wants)
    if request.method == "POST":
        try:
            messages.success(request, _change(request, at))
        except Refusal as refusal:
            messages.error(request, refusal.message)
        return HttpResponseRedirect(f"{at.url}/refs")
    found = refs.list_refs(at.repository.pk)
    return repo_page(request, at, "hub/branches.html", "history", revisions=found)


def _change(request: HttpRequest, at: Opened) -> str:
    """Do what the form asks; returns the sentence that says so. Raises what `refs` raises."""
    deed, name = request.POST.get("deed", ""), request.POST.get("name", "").strip()
    if deed == "branch":
        _record(at, refs.create_branch(at.repository.pk, name, at=_start(request, at)), made=True)
        return _("The branch %(name)s is made") % {"name": name}
    if deed == "tag":
        made = refs.create_tag(
            at.repository.pk,
            name,
            at=_start(request, at),
            message=request.POST.get("message", "").strip(),
            author=at.viewer.name,
        )
        _record(at, made, made=True)
        return _("The tag %(name)s is made") % {"name": name}
    if deed == "delete-branch":
        if name in at.repository.protected_branches:
            raise Forbidden(_("The branch is protected; its protection stands in the settings"))
        _record(at, refs.delete_branch(at.repository.pk, name), made=False)
        return _("The branch %(name)s is deleted") % {"name": name}
    if deed == "delete-tag":
        _record(at, refs.delete_tag(at.repository.pk, name), made=False)
        return _("The tag %(name)s is deleted") % {"name": name}
    raise Invalid(_("The form was not complete"))


def _start(request: HttpRequest, at: Opened) -> str:
    return refs.resolve(at.repository.pk, request.POST.get("from", "").strip() or "main")


def _record(at: Opened, ref: Ref, *, made: bool) -> None:
    old, new = (NOTHING, ref.target) if made else (ref.target, NOTHING)
    record_push(repository=at.repository, ref=ref.ref, old=old, new=new, user_id=at.viewer.user_id)


urlpatterns = repo_paths("/refs", branches, "refs")
