"""What a viewer may know of lineage.

An activity is seen by whoever may see what came out of it; where nothing came out that stays,
as of an evaluation, by whoever may see all that went in; and always by whoever had it done.
"""

from collections.abc import Iterable, Sequence

from llmos.accounts.access import Viewer
from llmos.hub.access import visible_sql
from llmos.hub.models import Repository
from llmos.provenance.errors import ActivityNotFound, ReceiptNotFound
from llmos.provenance.models import Activity, Edge, Receipt
from llmos.store import db


def activity_for(viewer: Viewer, activity_id: str) -> Activity:
    """With its edges, and who did it. Raises ActivityNotFound."""
    found = (
        Activity.objects.select_related("user", "namespace")
        .prefetch_related("edges__repository")
        .filter(pk=activity_id)
        .first()
    )
    if found is None or not _sees_activity(viewer, found):
        raise ActivityNotFound
    return found


def receipt_for(viewer: Viewer, digest: str) -> Receipt:
    """A receipt about a repository that the viewer may see. Raises ReceiptNotFound."""
    found = Receipt.objects.filter(pk=digest).first()
    if found is None:
        raise ReceiptNotFound
    known = found.repository_id is not None and seen(viewer, [found.repository_id])
    if not known and not viewer.is_admin:
        raise ReceiptNotFound
    return found


def seen(viewer: Viewer, repository_ids: Iterable[int | None]) -> set[int]:
    """Those of the repositories whose existence the viewer may know; what is gone is not there."""
    wanted = sorted({one for one in repository_ids if one is not None})
    if not wanted:
        return set()
    condition, params = visible_sql(viewer, "r")
    marks = db.marks(wanted)
    found = db.rows(
        f"SELECT r.id FROM {Repository._meta.db_table} r WHERE r.id IN ({marks}) AND {condition}",
        [*wanted, *params],
    )
    return {one for (one,) in found}


def is_named(edge: Edge, known: set[int]) -> bool:
    """Whether a viewer who knows these repositories may read the name on the edge."""
    if edge.repository is None:
        return edge.was_public
    return edge.repository.pk in known


def _sees_activity(viewer: Viewer, activity: Activity) -> bool:
    is_own = viewer.user_id is not None and viewer.user_id == activity.user_id
    if viewer.is_admin or (is_own and not viewer.scoped_token):
        return True
    return _all_named(viewer, [one] if (one := activity.output()) else activity.inputs())


def _all_named(viewer: Viewer, edges: Sequence[Edge]) -> bool:
    known = seen(viewer, [edge.repository_id for edge in edges])
    return bool(edges) and all(is_named(edge, known) for edge in edges)
