"""What a start does with Django: `python -m llmos.cli.prepare` in a child of `llmos up`.

Migrates, makes the first administrator, and leaves a sign-in link in the home for as
long as no administrator has another way in.
"""

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from llmos.kit.errors import Refusal
from llmos.kit.files import written_whole
from llmos.kit.home import Home

FIRST_ADMINISTRATOR = "operator"


def link_file(home: Home) -> Path:
    """Where the child leaves the link; the parent prints and removes it."""
    return home.run / "sign-in-link"


def prepare(home: Home) -> None:
    from llmos.accounts.models import User
    from llmos.cli.prepared import read_preparation, write_preparation

    if not User.objects.exists():
        from llmos.accounts.actions import create_user

        create_user(name=FIRST_ADMINISTRATOR, admin=True, any_name=True)
    wanted = find_spec("llmos.accounts.links") is not None and _leave_link(home)
    found = read_preparation(home)
    if found is not None and found.link_wanted != wanted:
        write_preparation(home, replace(found, link_wanted=wanted))


def _leave_link(home: Home) -> bool:
    from llmos.accounts.links import sign_in_link
    from llmos.accounts.models import User

    administrators = list(User.objects.filter(is_staff=True, is_active=True).order_by("pk"))
    if not administrators or any(_can_sign_in(user) for user in administrators):
        return False
    with written_whole(link_file(home)) as file:
        file.write(f"{administrators[0].username}\n{sign_in_link(administrators[0])}".encode())
    return True


def _can_sign_in(user: object) -> bool:
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount

    return (
        user.has_usable_password()  # type: ignore[attr-defined]  # User, known once Django is up
        or Authenticator.objects.filter(user=user).exists()
        or SocialAccount.objects.filter(user=user).exists()
    )


def main() -> None:
    from llmos.cli.framework import open_home

    try:
        prepare(open_home())
    except Refusal as refusal:
        print(f"llmos: {refusal.message}", file=sys.stderr)  # noqa: T201  # the parent's terminal
        sys.exit(1)


if __name__ == "__main__":
    main()
