"""What a viewer may know of lineage: an activity is seen by who may read what came out of it."""

from llmos.accounts.access import Viewer
from llmos.hub.access import rights_of
from llmos.provenance.errors import ActivityNotFound, ReceiptNotFound
from llmos.provenance.models import Activity, Edge, Receipt


def activity_for(viewer: Viewer, activity_id: str) -> Activity:
    """Raises ActivityNotFound."""
    found = Activity.objects.prefetch_related("edges__repository").filter(pk=activity_id).first()
    output = found.output() if found else None
    if found is None or (output is not None and not sees(viewer, output)):
        raise ActivityNotFound
    if output is None and viewer.user_id != found.user_id and not viewer.is_admin:
        raise ActivityNotFound
    return found


def receipt_for(viewer: Viewer, digest: str) -> Receipt:
    """A receipt about a repository that the viewer may read. Raises ReceiptNotFound."""
    found = Receipt.objects.select_related("repository").filter(pk=digest).first()
    if found is None:
        raise ReceiptNotFound
    if found.repository is not None and not rights_of(viewer, found.repository).read:
        raise ReceiptNotFound
    if found.repository is None and not viewer.is_admin:
        raise ReceiptNotFound
    return found


def sees(viewer: Viewer, edge: Edge) -> bool:
    """Whether the viewer may know this neighbour by name; what was deleted nobody may."""
    return edge.repository is not None and rights_of(viewer, edge.repository).see
