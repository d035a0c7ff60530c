"""Which categories and topics there are for a viewer, and what she may do with them."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.forum.errors import CategoryNotFound, NotHere
from llmos.community.forum.models import ASKING, Category, Topic
from llmos.community.forum.sql import category_named, topic_of
from llmos.community.threads.access import is_moderator, thread_for
from llmos.community.threads.errors import ThreadNotFound
from llmos.community.threads.models import State, Thread
from llmos.community.trust.queries import level_of
from llmos.community.trust.words import level_word


@dataclass(frozen=True, slots=True)
class TopicRights:
    accept: bool  # say which post answers it
    moderate: bool  # move, split, merge, pin


def category_for(slug: str, *, retired: bool = True) -> Category:
    """Raises CategoryNotFound."""
    found = category_named(slug)
    if found is None or (found.retired_at is not None and not retired):
        raise CategoryNotFound
    return found


def topic_for(viewer: Viewer, thread_id: int) -> Topic:
    """A topic with its thread and category. Raises ThreadNotFound."""
    thread = thread_for(viewer, thread_id, place=Thread.Place.TOPIC)
    found = topic_of(thread)
    if found is None:
        raise ThreadNotFound
    return found


def topic_rights(viewer: Viewer, topic: Topic, *, moderates: bool | None = None) -> TopicRights:
    """`moderates` spares asking again what a page has asked already."""
    if moderates is None:
        moderates = is_moderator(viewer, topic.thread)
    is_own = viewer.user_id is not None and topic.thread.author_id == viewer.user_id
    return TopicRights(
        accept=(is_own or moderates) and topic.category.kind in ASKING and viewer.can_write,
        moderate=moderates,
    )


def may_open(viewer: Viewer, category: Category) -> bool:
    """Whether she may open topics in a category."""
    if viewer.user_id is None or not viewer.can_write or category.retired_at is not None:
        return False
    if viewer.is_admin or category.opens_from == 0:
        return True
    return level_of(viewer.user_id) >= category.opens_from


def refuse_strangers(viewer: Viewer, category: Category) -> None:
    """Raises NotHere, with who may."""
    if category.retired_at is not None:
        raise NotHere(_("This category takes no new topics; choose another"))
    if not may_open(viewer, category):
        raise NotHere(
            _("Here members of the level “%(level)s” open topics; choose another category")
            % {"level": level_word(category.opens_from)}
        )


def listed_topics() -> Q:
    """A condition on threads: topics that lists show to everybody."""
    return Q(place=Thread.Place.TOPIC, state=State.VISIBLE)


def shown_topics() -> QuerySet[Topic]:
    """The same as the forum's own rows: lists walk their indexes, then read `shown_threads`."""
    return Topic.objects.filter(counted__isnull=False)
