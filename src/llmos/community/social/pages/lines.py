"""Activities made ready for the template that lists them, in one look at the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language
from markupsafe import Markup

from llmos.accounts.access import Viewer
from llmos.community.social.access import Seen
from llmos.community.social.words import Line, line_of, reasons
from llmos.community.threads.models import Tag, Watch
from llmos.community.threads.rendering import filled


@dataclass(frozen=True, slots=True)
class Shown:
    """One item of a list of activities."""

    line: Line
    html: Markup | None  # of a note
    why: list[str]
    is_new: bool


def shown(viewer: Viewer, found: Sequence[Seen], *, since: datetime | None = None) -> list[Shown]:
    """`since`: what is newer is marked as new."""
    notes = [one.post for one in found if one.post is not None and one.activity.kind == "note"]
    html = filled(notes, viewer) if notes else {}
    tags = _tags_named(found)
    language = get_language() or "en"
    return [
        Shown(
            line=line_of(one),
            html=html.get(one.post.pk) if one.post is not None else None,
            why=reasons(one, tags, language),
            is_new=since is not None and one.activity.at > since,
        )
        for one in found
    ]


def _tags_named(found: Sequence[Seen]) -> dict[str, Tag]:
    """The tags that are reasons, by id."""
    ids = {target for one in found for kind, target in one.why if kind == Watch.Kind.TAG}
    if not ids:
        return {}
    return {str(pk): tag for pk, tag in Tag.objects.in_bulk([int(one) for one in ids]).items()}
