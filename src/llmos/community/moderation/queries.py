"""Reading the queue, the log, and when members did what."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from llmos.accounts.access import Viewer
from llmos.community.moderation.access import Target, log_for, queue_of
from llmos.community.moderation.models import Case, Decision, Report
from llmos.community.threads.access import is_moderator
from llmos.community.threads.models import Attachment, Post, Reaction, Revision, Thread
from llmos.hub.models import Repository, Visibility
from llmos.hub.queries import visible


def open_cases(viewer: Viewer, *, cause: str = "", kind: str = "") -> QuerySet[Case]:
    """What waits for her, oldest first."""
    found = Case.objects.filter(queue_of(viewer), is_open=True)
    if cause in Case.Cause.values:
        found = found.filter(cause=cause)
    if kind in Case.Kind.values:
        found = found.filter(kind=kind)
    return found.select_related(
        "post__thread", "member__namespace", "member__standing", "repository__namespace"
    ).order_by("opened_at", "pk")


def case_about(target: Target) -> Case | None:
    return Case.objects.filter(kind=target.kind, target=target.pk).first()


def open_reports(case: Case) -> list[Report]:
    rows = case.reports.filter(is_settled=False).select_related("user")
    return list(rows.order_by("at", "pk"))


def last_decision(kind: str, target: int) -> Decision | None:
    rows = Decision.objects.filter(kind=kind, target=target).select_related("by")
    return rows.order_by("-pk").first()


def decisions_on(member_id: int | None, limit: int = 10) -> list[Decision]:
    """What was decided about a member and her posts, newest first."""
    if member_id is None:
        return []
    rows = Decision.objects.filter(member_id=member_id).select_related("by", "post__thread")
    return list(rows.order_by("-pk")[:limit])


def decisions(viewer: Viewer, *, act: str = "") -> QuerySet[Decision]:
    """The log as this viewer may read it, newest first."""
    found = Decision.objects.filter(log_for(viewer))
    if act in Decision.Act.values:
        found = found.filter(act=act)
    return found.select_related("by", "member", "post__thread").order_by("-pk")


def repositories_among(viewer: Viewer, found: Iterable[Decision]) -> dict[int, Repository]:
    """Whole repositories that decisions are about, by id: those that she may know of.

    Who keeps order on the hub finds those again that were hidden.
    """
    ids = {one.target for one in found if one.kind == Case.Kind.REPOSITORY}
    if not ids:
        return {}
    seen = visible(viewer).in_bulk(ids)
    if is_moderator(viewer):
        hidden = Repository.objects.filter(disabled=True, visibility=Visibility.PUBLIC)
        seen |= hidden.select_related("namespace").in_bulk(ids)
    return seen


def threads_by(user_id: int) -> QuerySet[Any, datetime]:
    rows = Thread.objects.filter(author_id=user_id).order_by("-created_at")
    return rows.values_list("created_at", flat=True)


def posts_by(user_id: int) -> QuerySet[Any, datetime]:
    rows = Post.objects.filter(author_id=user_id).order_by("-created_at")
    return rows.values_list("created_at", flat=True)


def edits_by(user_id: int) -> QuerySet[Any, datetime]:
    return Revision.objects.filter(author_id=user_id).order_by("-pk").values_list("at", flat=True)


def reactions_by(user_id: int) -> QuerySet[Any, datetime]:
    return Reaction.objects.filter(user_id=user_id).order_by("-pk").values_list("at", flat=True)


def attachments_by(user_id: int) -> QuerySet[Any, datetime]:
    return Attachment.objects.filter(user_id=user_id).order_by("-at").values_list("at", flat=True)


def reports_by(user_id: int) -> QuerySet[Any, datetime]:
    return Report.objects.filter(user_id=user_id).order_by("-at").values_list("at", flat=True)
