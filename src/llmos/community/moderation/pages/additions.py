"""What moderation adds to posts, conversations and profiles of other rooms."""

from collections.abc import Sequence

from django.http import HttpRequest
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.community.moderation.queries import open_cases
from llmos.community.threads.access import is_moderator
from llmos.community.threads.additions import Control
from llmos.community.threads.models import Post, Thread
from llmos.community.trust.levels import missing
from llmos.community.trust.models import Level
from llmos.community.trust.queries import degree_between, level_of, standing_of
from llmos.hub.additions import Named, Panel
from llmos.hub.door import viewer_of_page
from llmos.kit.time import now

MANY = 100  # cases; more are not counted


def post_menu(viewer: Viewer, thread: Thread, posts: Sequence[Post]) -> dict[int, list[Control]]:
    """Report, keep away, and for moderators decide."""
    if viewer.user_id is None or not viewer.can_write:
        return {}
    moderates = is_moderator(viewer, thread)
    texts = _("Report"), _("Mute, ignore or block"), _("Moderate")
    return {
        post.pk: _controls_of(viewer, post, moderates, texts) for post in posts if not post.deed
    }


def silence_notice(request: HttpRequest, thread: Thread) -> Panel | None:
    """To whom a moderator took the voice: until when, and why."""
    viewer = viewer_of_page(request)
    if viewer.user_id is None:
        return None
    standing = standing_of(viewer.user_id)
    if standing.silenced_until is None or standing.silenced_until <= now():
        return None
    return Panel("moderation/silenced.html", {"standing": standing})


def waiting(request: HttpRequest) -> Panel | None:
    """On the first page of who keeps order on the hub: how much waits."""
    viewer = viewer_of_page(request)
    if viewer.user_id is None or not is_moderator(viewer):
        return None
    count = open_cases(viewer)[:MANY].count()
    return Panel("moderation/waiting.html", {"count": count, "many": MANY}) if count else None


def profile_deeds(request: HttpRequest, named: Named) -> Panel | None:
    """Beside the name of a member or a repository: keep away, report, for moderators decide."""
    viewer = viewer_of_page(request)
    if viewer.user_id is None:
        return None
    if named.kind == "repository":
        context = {"path": named.path, "moderates": is_moderator(viewer)}
        return Panel("moderation/repository.html", context)
    if named.kind != "member" or named.target == str(viewer.user_id):
        return None
    return Panel(
        "moderation/profile.html",
        {
            "name": named.path,
            "degree": degree_between(viewer.user_id, int(named.target)),
            "moderates": is_moderator(viewer),
        },
    )


def profile_level(request: HttpRequest, place: Namespace) -> Panel | None:
    """In the line of facts under a member's name."""
    if place.kind != Namespace.Kind.USER:
        return None
    return Panel("moderation/level.html", {"level": level_of(place.user.pk)})


def profile_way_up(request: HttpRequest, place: Namespace) -> Panel | None:
    """Beside one's own page: what the next level asks for."""
    viewer = viewer_of_page(request)
    if place.kind != Namespace.Kind.USER or place.user.pk != viewer.user_id:
        return None
    standing = standing_of(place.user.pk)
    if standing.level >= Level.LEADER or standing.held:
        return None
    lacks = missing(standing, Level(standing.level + 1))
    return Panel("moderation/way_up.html", {"level": standing.level, "lacks": lacks})


def _controls_of(
    viewer: Viewer, post: Post, moderates: bool, texts: tuple[str, str, str]
) -> list[Control]:
    report, keep_away, moderate = texts
    made = []
    if post.author_id != viewer.user_id:
        made.append(Control(f"/posts/{post.pk}/report", report, "flag", is_link=True))
    if post.author is not None and post.author_id != viewer.user_id:
        address = f"/settings/people?name={post.author.username}"
        made.append(Control(address, keep_away, "mute", is_link=True))
    if moderates:
        made.append(Control(f"/moderation/posts/{post.pk}", moderate, "shield", is_link=True))
    return made
