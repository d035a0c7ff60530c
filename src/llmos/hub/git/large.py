"""Large files as commits and pushes name them: is the content here, and how long is it?"""

from llmos.accounts.access import Viewer
from llmos.hub.errors import MissingContent
from llmos.hub.lfs.access import usable_in
from llmos.hub.lfs.content import link_content
from llmos.hub.models import LfsLink, LfsObject, Repository

_AT_ONCE = 500  # parameters of one statement


def committed_sizes(
    repository: Repository, viewer: Viewer, paths: dict[str, str]
) -> dict[str, int]:
    """Bytes of each content that a commit names, by sha256; `paths` says for which file.

    Content that the viewer may read elsewhere is linked here, and the paths are noted with the
    links. Raises MissingContent.
    """
    found = _linked(repository.pk, list(paths))
    for sha256 in paths.keys() - found.keys():
        _link_from_elsewhere(repository, viewer, sha256, paths[sha256])
    found |= _linked(repository.pk, list(paths.keys() - found.keys()))
    renamed = []
    for sha256, (link_id, _size, name) in found.items():
        if name != paths[sha256]:
            renamed.append(LfsLink(pk=link_id, file_name=paths[sha256]))
    LfsLink.objects.bulk_update(renamed, ["file_name"], batch_size=_AT_ONCE)
    return {sha256: size for sha256, (_id, size, _name) in found.items()}


def _link_from_elsewhere(repository: Repository, viewer: Viewer, sha256: str, path: str) -> None:
    sizes = LfsObject.objects.filter(pk=sha256).values_list("size", flat=True)
    size = sizes.first()
    if size is None or not usable_in(repository=repository, viewer=viewer, sha256=sha256):
        raise MissingContent(
            f"The content of '{path[:200]}' ({sha256}) was not uploaded to this repository; "
            "upload it, then commit again"
        )
    link_content(repository_id=repository.pk, sha256=sha256, size=size, file_name=path)


def missing_content(repository_id: int, paths: dict[str, str]) -> set[str]:
    """Those of the contents that this repository does not have, by sha256."""
    return set(paths) - set(_linked(repository_id, list(paths)))


def _linked(repository_id: int, names: list[str]) -> dict[str, tuple[int, int, str]]:
    found: dict[str, tuple[int, int, str]] = {}
    for start in range(0, len(names), _AT_ONCE):
        rows = LfsLink.objects.filter(
            repository_id=repository_id, object_id__in=names[start : start + _AT_ONCE]
        ).values_list("object_id", "pk", "object__size", "file_name")
        found.update({sha256: (link, size, name) for sha256, link, size, name in rows})
    return found
