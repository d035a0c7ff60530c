"""What discussions add to a repository's other pages: the tab, guidance, and who talks of it."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from llmos.community.discussions.queries import mentions_of, open_count
from llmos.hub.additions import Panel, Tab
from llmos.hub.door import Opened
from llmos.hub.git import refs
from llmos.hub.git.tree import entries_at

GUIDE = "CONTRIBUTING.md"


@dataclass(frozen=True, slots=True)
class Guide:
    """How the owners want contributions, as they wrote it into the repository."""

    path: str
    address: str


def tab(at: Opened) -> Tab:
    return (
        "discussions",
        f"{at.url}/discussions",
        _("Discussions"),
        open_count(at.repository.pk) or None,
    )


def contributing(request: HttpRequest, at: Opened) -> Panel | None:
    """On pages that commit: the guide, before one has done it otherwise."""
    guide = guide_of(at)
    return Panel("discussions/parts/guide.html", {"guide": guide}) if guide else None


def talk(request: HttpRequest, at: Opened) -> Panel | None:
    """Beside the card: the guide, and conversations elsewhere that name this repository."""
    guide = guide_of(at)
    mentions = mentions_of(at.viewer, at.repository)
    if not guide and not mentions:
        return None
    return Panel("discussions/parts/talk.html", {"guide": guide, "mentions": mentions})


def guide_of(at: Opened) -> Guide | None:
    """The guide at the head of `main`, for those who may read files."""
    head = refs.read_ref(at.repository.pk, "refs/heads/main") if at.rights.read else None
    if head is None or not entries_at(at.repository.pk, head, [GUIDE]):
        return None
    return Guide(GUIDE, at.at("blob", GUIDE, revision="main"))
