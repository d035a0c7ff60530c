"""What a start does with Django: `python -m llmos.cli.prepare` in a child of `llmos up`.

Migrates, makes the first administrator and categories, and leaves a sign-in link in the home for as
long as no administrator has another way in.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmos.kit.errors import Refusal
from llmos.kit.files import written_whole
from llmos.kit.home import Home

if TYPE_CHECKING:
    from llmos.accounts.models import User

FIRST_ADMINISTRATOR = "operator"


def link_file(home: Home) -> Path:
    """Where the child leaves the link; the parent prints and removes it."""
    return home.run / "sign-in-link"


def prepare(home: Home) -> None:
    from llmos.accounts.models import User
    from llmos.cli.prepared import read_preparation, write_preparation

    if not User.objects.exists():
        from llmos.accounts.actions import create_user
        from llmos.community.forum.shelving import make_first

        create_user(name=FIRST_ADMINISTRATOR, admin=True, any_name=True)
        make_first()  # whoever is quick finds the forum's categories
    wanted = _leave_link(home)
    found = read_preparation(home)
    if found is not None and found.link_wanted != wanted:
        write_preparation(home, replace(found, link_wanted=wanted))


def _leave_link(home: Home) -> bool:
    from llmos.accounts.models import User
    from llmos.cli.members import sign_in_address

    administrators = list(User.objects.filter(is_staff=True, is_active=True).order_by("pk"))
    if not administrators or any(_can_sign_in(user) for user in administrators):
        return False
    first = administrators[0]
    with written_whole(link_file(home)) as file:
        file.write(f"{first.username}\n{sign_in_address(home, first)}".encode())
    return True


def _can_sign_in(user: "User") -> bool:
    from allauth.mfa.models import Authenticator
    from allauth.socialaccount.models import SocialAccount

    return (
        user.has_usable_password()
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
