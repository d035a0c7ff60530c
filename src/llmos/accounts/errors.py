"""Refusals about members, organisations, tokens and invitations."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Conflict, Forbidden, Invalid, NotFound


class NameRefused(Invalid):
    """The name breaks the rule for names, or is kept for the site; the message says which."""

    code = "InvalidName"


class NameTaken(Conflict):
    """A member or organisation has this name already, in whatever case."""

    code = "NameTaken"


class NoSuchMember(NotFound):
    code = "UserNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is no member called %(name)s") % {"name": name})


class NoSuchOrganisation(NotFound):
    code = "OrganizationNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(_("There is no organisation called %(name)s") % {"name": name})


class LastAdmin(Conflict):
    """An organisation keeps at least one administrator."""

    code = "LastAdmin"

    def __init__(self, organisation: str) -> None:
        super().__init__(
            _("%(name)s would be left without an administrator: give somebody else that role first")
            % {"name": organisation}
        )


class NotYourOrganisation(Forbidden):
    def __init__(self, organisation: str) -> None:
        super().__init__(_("Only administrators of %(name)s may do this") % {"name": organisation})


class TokenNameTaken(Conflict):
    code = "NameTaken"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("You already have a token called %(name)s: choose another name or revoke it")
            % {"name": name}
        )


class InvitationSpent(Invalid):
    """Unknown, expired, withdrawn or used: all look the same."""

    code = "InvalidInvitation"

    def __init__(self) -> None:
        super().__init__(_("This invitation is no longer valid: ask for a new one"))


class PictureRefused(Invalid):
    code = "InvalidPicture"


class SignInRefused(Invalid):
    """An answer of the token endpoint: `error` is one of OAuth's codes (RFC 6749, RFC 8628)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description, data={"error": error, "error_description": description})


class CannotLeaveYet(Conflict):
    """Something must be settled before the account can go; the message says what."""

    code = "CannotLeaveYet"


class NothingToFetch(NotFound):
    """No export is ready: not asked for, still in the making, fetched or expired."""

    code = "NothingToFetch"

    def __init__(self) -> None:
        super().__init__(
            _("There is no export to fetch: it is not ready yet, was fetched, or has expired")
        )
