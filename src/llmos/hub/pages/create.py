"""A new repository: a name, a place, and who may see it."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from llmos.accounts.queries import namespaces_open_to
from llmos.hub.actions import create_repository
from llmos.hub.door import signed_in
from llmos.hub.errors import NameTaken
from llmos.hub.kinds import KINDS, Kind
from llmos.hub.names import NameRefused
from llmos.kit.errors import Forbidden

VISIBILITIES = [
    ("public", _("Public: anybody may see and download it")),
    ("private", _("Private: only you, or members of the organisation")),
]


class NewRepositoryForm(forms.Form):
    namespace = forms.ChoiceField(label=_("Owner"))
    name = forms.CharField(
        label=_("Name"),
        max_length=96,
        help_text=_("Letters, digits, '-', '_' and '.'; it becomes part of the address."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    visibility = forms.ChoiceField(
        label=_("Visibility"), choices=VISIBILITIES, widget=forms.RadioSelect, initial="public"
    )

    def __init__(self, *args: Any, owners: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["namespace"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(name, name) for name in owners]


def new(request: HttpRequest, type_: str) -> HttpResponse:
    viewer = signed_in(request)
    assert viewer.user_id is not None
    owners = [place.name for place in namespaces_open_to(viewer.user_id)]
    kind = KINDS[type_]
    if request.method == "POST":
        form = NewRepositoryForm(request.POST, owners=owners)
        if form.is_valid():
            try:
                made = create_repository(viewer=viewer, kind=kind, **form.cleaned_data)
            except (NameTaken, NameRefused) as refusal:
                form.add_error("name", refusal.message)
            except Forbidden as refusal:
                form.add_error("namespace", refusal.message)
            else:
                return HttpResponseRedirect(f"/{made}")
    else:
        asked = request.GET.get("owner", "")
        initial = {"namespace": asked if asked in owners else viewer.name}
        form = NewRepositoryForm(owners=owners, initial=initial)
    context = {"form": form, "kind": kind, "ways": [(k, _address(k)) for k in KINDS.values()]}
    return render(request, "hub/new.html", context, status=422 if form.errors else 200)


def _address(kind: Kind) -> str:
    """As members of other hubs know them: `/new` makes a model."""
    return "/new" if kind.name == "model" else f"/new-{kind.name}"


urlpatterns = [
    path(_address(kind)[1:], new, {"type_": kind.name}, name=f"new-{kind.name}")
    for kind in KINDS.values()
]
