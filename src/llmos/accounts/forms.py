"""What people fill in about themselves, their organisations and invitations."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from llmos.accounts.models import Role
from llmos.accounts.names import LONGEST, check_name
from llmos.kit.errors import Refusal

ROLE_CHOICES = [
    (Role.READ.value, _("read: sees private repositories")),
    (Role.CONTRIBUTOR.value, _("contributor: also creates repositories and writes to those")),
    (Role.WRITE.value, _("write: writes to all repositories")),
    (Role.ADMIN.value, _("admin: also manages members and settings")),
]


class ProfileForm(forms.Form):
    full_name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    bio = forms.CharField(
        label=_("About"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    website = forms.URLField(
        label=_("Website"), max_length=200, required=False, assume_scheme="https"
    )
    picture = forms.FileField(
        label=_("Picture"),
        required=False,
        help_text=_("PNG, JPEG, GIF or WebP of at most 1 MiB"),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
    )
    remove_picture = forms.BooleanField(label=_("Remove the picture"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.initial.get("has_picture"):
            del self.fields["remove_picture"]


class OrganisationProfileForm(ProfileForm):
    private_by_default = forms.BooleanField(
        label=_("New repositories are private unless their creator says otherwise"),
        required=False,
    )


class NewOrganisationForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST,
        help_text=_("First part of the names of its repositories, as in name/model"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    full_name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    private_by_default = forms.BooleanField(
        label=_("New repositories are private unless their creator says otherwise"),
        required=False,
    )

    def clean_name(self) -> str:
        try:
            return check_name(str(self.cleaned_data["name"]))
        except Refusal as refusal:
            raise forms.ValidationError(refusal.message) from refusal


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=ROLE_CHOICES)


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label=_("For"),
        required=False,
        help_text=_("A note for you: whoever opens the link first may use it"),
    )


class MemberInvitationForm(InvitationForm):
    role = forms.ChoiceField(label=_("Role"), choices=ROLE_CHOICES, initial=Role.CONTRIBUTOR.value)


class DeviceForm(forms.Form):
    code = forms.CharField(
        label=pgettext_lazy("shown by a terminal", "Code"),
        max_length=20,
        help_text=_("Eight letters that your terminal shows"),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autocapitalize": "characters"}
        ),
    )
