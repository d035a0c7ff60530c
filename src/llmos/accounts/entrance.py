"""django-allauth's forms for getting in, in our words: plain hints, no markup, no doubled marks."""

from typing import Any

from allauth.account.forms import (
    ChangePasswordForm,
    LoginForm,
    ResetPasswordKeyForm,
    SetPasswordForm,
    SignupForm,
)
from django import forms
from django.utils.translation import gettext_lazy as _

from llmos.accounts.captcha import FIELD, TaskWidget, is_solved
from llmos.accounts.config import AccountsSettings
from llmos.kit.config import current

PASSWORD_HINT = _("At least 8 characters, not only digits, and not one that many people use")
NAME_HINT = _("Letters, digits, '-', '_' and '.'; the first part of your repositories' names")


class SignIn(LoginForm):  # type: ignore[misc]  # allauth ships no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self, "login", label=_("Name or e-mail address"))
        # The way to a forgotten password stands beside the button.
        _word(self, "password", label=_("Password"))


class SignUp(SignupForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self, "username", label=_("Name"), hint=NAME_HINT)
        _word(self, "email", label=_("E-mail address"))
        _word(self, "password1", label=_("Password"), hint=PASSWORD_HINT)
        if current(AccountsSettings).captcha:
            self.fields[FIELD] = forms.CharField(required=False, widget=TaskWidget)

    def clean(self) -> dict[str, Any]:
        """What was filled in; with a captcha, a solved task must come along."""
        told: dict[str, Any] = super().clean()
        if FIELD in self.fields and not is_solved(str(told.get(FIELD) or "")):
            raise forms.ValidationError(
                _("Your browser has not solved the task below, or it has expired: try again")
            )
        return told


class NewPassword(ChangePasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self, "oldpassword", label=_("Current password"))
        _word(self, "password1", label=_("New password"), hint=PASSWORD_HINT)


class FirstPassword(SetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self, "password1", label=_("New password"), hint=PASSWORD_HINT)


class ForgottenPassword(ResetPasswordKeyForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self, "password1", label=_("New password"), hint=PASSWORD_HINT)


def _word(form: forms.Form, name: str, *, label: Any, hint: Any = "") -> None:
    field = form.fields.get(name)
    if field is not None:
        field.label, field.help_text = label, hint
        field.widget.attrs.pop("placeholder", None)
