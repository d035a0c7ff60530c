"""For administrators: the categories; for moderators: what a tag is called."""

import re

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.community.forum import queries, shelving
from llmos.community.forum.access import category_for
from llmos.community.forum.actions import moderator
from llmos.community.forum.models import Kind
from llmos.community.forum.pages.lists import tag_address, tag_for
from llmos.community.forum.words import kind_word
from llmos.community.trust.models import Level
from llmos.community.trust.words import level_word
from llmos.hub.door import signed_in
from llmos.kit.errors import Invalid, Refusal

_FIELDS = ("slug", "kind", "title_en", "title_zh", "about_en", "about_zh")


def categories(request: HttpRequest) -> HttpResponse:
    """All of them, each with its form, and a form for another one."""
    viewer = signed_in(request)
    shelving.administrator(viewer)
    if request.method != "POST":
        return _page(request)
    try:
        shelving.add_category(viewer, _wish(request))
    except Refusal as refusal:
        return _page(request, refusal)
    messages.success(request, _("Saved"))
    return HttpResponseRedirect("/forum/categories")


def _page(request: HttpRequest, refusal: Refusal | None = None, about: str = "") -> HttpResponse:
    """What was said and refused stands in the form of the category that it is `about`."""
    said = {name: request.POST.get(name, "") for name in (*_FIELDS, "opens_from")}
    context = {
        "categories": queries.categories(retired=True),
        "kinds": [(kind, kind_word(kind)) for kind in Kind.values],
        "levels": [(level, level_word(level)) for level in Level.values],
        "said": said,
        "added": dict.fromkeys(said, "") if about else said,
        "refusal": refusal,
        "about": about,
    }
    status = refusal.status if refusal else 200
    return render(request, "forum/categories.html", context, status=status)


def change(request: HttpRequest, slug: str) -> HttpResponse:
    """One form with several buttons: save, up, down, retire, bring back."""
    viewer = signed_in(request)
    shelving.administrator(viewer)
    category, deed = category_for(slug), request.POST.get("deed", "")
    try:
        if deed in {"up", "down"}:
            shelving.step_category(viewer, category=category, up=deed == "up")
        elif deed in {"retire", "return"}:
            shelving.set_retired(viewer, category=category, retired=deed == "retire")
        else:
            shelving.change_category(viewer, category=category, wish=_wish(request))
            messages.success(request, _("Saved"))
    except Refusal as refusal:
        return _page(request, refusal, about=category.slug)
    return HttpResponseRedirect(f"/forum/categories#{category.slug}")


def change_tag(request: HttpRequest, name: str) -> HttpResponse:
    viewer, tag = signed_in(request), tag_for(name)
    moderator(viewer)
    refusal = None
    if request.method == "POST":
        try:
            shelving.change_tag(
                viewer,
                tag=tag,
                title_en=request.POST.get("title_en", ""),
                title_zh=request.POST.get("title_zh", ""),
                aliases=re.split(r"[,，、\n]", request.POST.get("aliases", "")),
            )
            return HttpResponseRedirect(tag_address(tag))
        except Refusal as told:
            refusal = told
    aliases = ", ".join(tag.aliases.values_list("alias", flat=True))
    context = {"tag": tag, "aliases": aliases, "said": request.POST, "refusal": refusal}
    status = refusal.status if refusal else 200
    return render(request, "forum/change_tag.html", context, status=status)


def _wish(request: HttpRequest) -> shelving.Wish:
    said = {name: request.POST.get(name, "") for name in _FIELDS}
    level = request.POST.get("opens_from", "0")
    if not level.isdecimal() or len(level) > 2:
        raise Invalid(_("The form was not complete"))
    return shelving.Wish(opens_from=int(level), **said)


urlpatterns = [
    path("forum/categories", categories),
    path("forum/categories/<slug:slug>", change),
    path("forum/tags/<str:name>/change", change_tag),
]
