"""Who may bind content to a repository: knowing a hash is no right to the bytes."""

from llmos.accounts.access import Viewer
from llmos.hub.access import rights_of
from llmos.hub.lfs.content import is_linked
from llmos.hub.models import LfsLink, Repository


def usable_in(*, repository: Repository, viewer: Viewer, sha256: str) -> bool:
    """Whether this viewer may bind this content in this repository.

    It is linked there, or she may read it elsewhere: knowing a hash is no right to the bytes.
    """
    if is_linked(repository_id=repository.pk, sha256=sha256):
        return True
    links = LfsLink.objects.filter(object_id=sha256).select_related("repository")
    return any(rights_of(viewer, link.repository).read for link in links.iterator(chunk_size=100))
