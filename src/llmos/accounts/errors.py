"""Refusals about members, organisations, tokens and invitations."""

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
        super().__init__(f"There is no member called {name}")


class NoSuchOrganisation(NotFound):
    code = "OrganizationNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no organisation called {name}")


class LastAdmin(Conflict):
    """An organisation keeps at least one administrator."""

    code = "LastAdmin"

    def __init__(self, organisation: str) -> None:
        super().__init__(
            f"{organisation} would be left without an administrator: "
            "give somebody else that role first"
        )


class NotYourOrganisation(Forbidden):
    def __init__(self, organisation: str) -> None:
        super().__init__(f"Only administrators of {organisation} may do this")


class TokenNameTaken(Conflict):
    code = "NameTaken"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"You already have a token called {name}: choose another name or revoke it"
        )


class InvitationSpent(Invalid):
    """Unknown, expired, withdrawn or used: all look the same."""

    code = "InvalidInvitation"

    def __init__(self) -> None:
        super().__init__("This invitation is no longer valid: ask for a new one")


class PictureRefused(Invalid):
    code = "InvalidPicture"


class SignInRefused(Invalid):
    """An answer of the token endpoint: `error` is one of OAuth's codes (RFC 6749, RFC 8628)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description, data={"error": error, "error_description": description})
