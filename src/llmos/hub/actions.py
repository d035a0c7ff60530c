"""Changing repositories: create, rename, settings, remove, and what pushes leave behind.

Each is one transaction that ends with an announcement. Files on disk come before the row
that makes them visible and go after it, so a death in between leaves only waste.
"""

from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace, Organisation
from llmos.accounts.queries import namespace_named
from llmos.hub.access import may_create_in, repo_for
from llmos.hub.errors import NameTaken
from llmos.hub.events import (
    ChangeRequestOpened,
    RefUpdated,
    RepositoryChanged,
    RepositoryCreated,
    RepositoryDeleted,
    RepositoryLiked,
)
from llmos.hub.git import refs, repos
from llmos.hub.kinds import Kind
from llmos.hub.models import (
    ChangeRequest,
    DownloadDay,
    LfsLink,
    Like,
    Redirect,
    Repository,
    TokenGrant,
    Visibility,
)
from llmos.hub.names import check_name, key_of
from llmos.hub.telling import tell_opened
from llmos.kit.errors import Forbidden, Invalid, Unauthenticated
from llmos.kit.time import now
from llmos.store.events import announce

GATES = {"", "auto", "manual"}
LONGEST_TITLE = 300


@transaction.atomic
def create_repository(
    *,
    viewer: Viewer,
    kind: Kind,
    namespace: str | None,
    name: str,
    visibility: str | None = None,
) -> Repository:
    """A new repository with its first commit; without a namespace it is the viewer's own.

    Without a visibility the organisation's habit decides.
    Raises NameRefused, NameTaken, Forbidden, Unauthenticated.
    """
    place = _place_for(viewer, kind, namespace)
    check_name(name)
    full_name = f"{place.name}/{name}"
    refuse_taken_name(kind, full_name)
    try:
        with transaction.atomic():
            repository = Repository.objects.create(
                type=kind.name,
                namespace=place,
                name=name,
                full_name=full_name,
                key=key_of(full_name),
                visibility=_visibility(visibility, place),
                created_by_id=viewer.user_id,
            )
    except IntegrityError:
        raise NameTaken(_taken_text(kind, full_name)) from None
    Redirect.objects.filter(type=kind.name, key=repository.key).delete()
    repository.head_sha = repos.create(repository.pk, author=viewer.name)
    repository.save(update_fields=["head_sha"])
    announce(RepositoryCreated(repository_id=repository.pk))
    return repository


def refuse_taken_name(kind: Kind, full_name: str) -> None:
    """Raises NameTaken."""
    if Repository.objects.filter(type=kind.name, key=key_of(full_name)).exists():
        raise NameTaken(_taken_text(kind, full_name))


@transaction.atomic
def delete_repository(*, repository: Repository) -> None:
    """Take a repository with all it has away, for good."""
    repository_id, type_, full_name = repository.pk, repository.type, repository.full_name
    announce(RepositoryDeleted(repository_id=repository_id, type=type_, full_name=full_name))
    repository.delete()
    transaction.on_commit(lambda: repos.remove(repository_id))


@transaction.atomic
def move_repository(
    *, viewer: Viewer, repository: Repository, namespace: str, name: str
) -> Repository:
    """Rename, or hand to another namespace; the former name redirects.

    Raises NameRefused, NameTaken, Forbidden.
    """
    kind = repository.kind
    place = repository.namespace
    if key_of(namespace) != place.key:
        place = _place_for(viewer, kind, namespace)
    check_name(name)
    former, full_name = repository.key, f"{place.name}/{name}"
    if key_of(full_name) != former:
        refuse_taken_name(kind, full_name)
    repository.namespace, repository.name = place, name
    repository.full_name, repository.key = full_name, key_of(full_name)
    repository.save(update_fields=["namespace", "name", "full_name", "key"])
    Redirect.objects.filter(type=kind.name, key=repository.key).delete()
    if former != repository.key:
        Redirect.objects.update_or_create(
            type=kind.name, key=former, defaults={"repository": repository}
        )
    announce(RepositoryChanged(repository_id=repository.pk))
    return repository


@transaction.atomic
def change_settings(
    *,
    repository: Repository,
    visibility: str | None = None,
    gated: str | None = None,
    disabled: bool | None = None,
    protected_branches: list[str] | None = None,
    sign_off: bool | None = None,
) -> Repository:
    """Set what is given; None leaves a setting as it is. Raises Invalid."""
    if visibility is not None:
        repository.visibility = _visibility(visibility, repository.namespace)
    if gated is not None:
        if gated not in GATES:
            raise Invalid(f"gated is 'auto', 'manual' or false, not {gated!r}")
        repository.gated = gated
    if disabled is not None:
        repository.disabled = disabled
    if protected_branches is not None:
        repository.protected_branches = sorted(set(protected_branches))
    if sign_off is not None:
        repository.sign_off = sign_off
    changed = ["visibility", "gated", "disabled", "protected_branches", "sign_off"]
    repository.save(update_fields=changed)
    announce(RepositoryChanged(repository_id=repository.pk))
    return repository


def duplicate_repository(
    *,
    viewer: Viewer,
    source: Repository,
    namespace: str | None,
    name: str,
    visibility: str | None,
) -> Repository:
    """A new repository with the branches, tags and files of another one that she may read.

    Raises what create_repository raises. Dying half-way leaves a repository without the files.
    """
    # Whatever made the source private must not be lost by copying it.
    copied = create_repository(
        viewer=viewer,
        kind=source.kind,
        namespace=namespace,
        name=name,
        visibility=visibility or source.visibility,
    )
    branches = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
    origin = str(repos.path_of(source.pk))
    repos.run_git(copied.pk, ["fetch", "--quiet", origin, *branches], seconds=300)
    with transaction.atomic():
        links = LfsLink.objects.filter(repository=source).values_list("object_id", "file_name")
        LfsLink.objects.bulk_create(
            [LfsLink(repository=copied, object_id=oid, file_name=file) for oid, file in links],
            ignore_conflicts=True,
            batch_size=1000,
        )
    head = repos.run_git(copied.pk, ["rev-parse", repos.MAIN]).decode().strip()
    record_push(
        repository=copied, ref=repos.MAIN, old=copied.head_sha, new=head, user_id=viewer.user_id
    )
    return copied


@transaction.atomic
def record_push(
    *, repository: Repository, ref: str, old: str, new: str, user_id: int | None
) -> None:
    """Note that a reference moved: `old` and `new` are full ids, all zeros where there is none.

    Call it right after git has moved the reference, whoever moved it.
    """
    if ref.startswith("refs/heads/"):
        repository.updated_at = now()
        repository.save(update_fields=["updated_at"])
    if ref == repos.MAIN:
        # Two pushes may be recorded in the other order; what git says inside the lock that
        # the row's change above took is the newest.
        repository.head_sha = refs.read_ref(repository.pk, repos.MAIN) or new
        repository.save(update_fields=["head_sha"])
    announce(RefUpdated(repository_id=repository.pk, ref=ref, old=old, new=new, user_id=user_id))


def record_lost_push(repository: Repository) -> None:
    """Note where `main` is when nobody did: whoever moved it was killed before it was recorded."""
    head = refs.drift(repository.pk, repository.head_sha)
    if head is not None:
        old = repository.head_sha or refs.NOTHING
        record_push(repository=repository, ref=repos.MAIN, old=old, new=head, user_id=None)


@transaction.atomic
def take_number(*, repository_id: int) -> int:
    """The next number for a change request or a discussion; never given twice."""
    Repository.objects.filter(pk=repository_id).update(last_number=F("last_number") + 1)
    number: int = Repository.objects.values_list("last_number", flat=True).get(pk=repository_id)
    return number


@transaction.atomic
def open_change_request(
    *,
    repository: Repository,
    author_id: int,
    title: str,
    description: str,
    base: str,
    draft: bool = False,
) -> ChangeRequest:
    """A change request with the next number; `refs/pr/<number>` is the caller's to make.

    Its description opens the conversation about it. Raises Invalid.
    """
    title = title.strip()
    if not 0 < len(title) <= LONGEST_TITLE:
        raise Invalid(
            _("A change request needs a title of at most %(n)d characters") % {"n": LONGEST_TITLE}
        )
    change = ChangeRequest.objects.create(
        repository=repository,
        number=take_number(repository_id=repository.pk),
        title=title,
        author_id=author_id,
        status=ChangeRequest.Status.DRAFT if draft else ChangeRequest.Status.OPEN,
        base=base,
    )
    tell_opened(change, description)
    announce(ChangeRequestOpened(repository_id=repository.pk, number=change.number))
    return change


@transaction.atomic
def like(*, repository: Repository, user_id: int) -> None:
    """Say that one likes it; once is enough."""
    _like, new = Like.objects.get_or_create(repository=repository, user_id=user_id)
    if new:
        Repository.objects.filter(pk=repository.pk).update(likes=F("likes") + 1)
        announce(RepositoryLiked(repository_id=repository.pk, user_id=user_id))


@transaction.atomic
def unlike(*, repository: Repository, user_id: int) -> None:
    gone, _rows = Like.objects.filter(repository=repository, user_id=user_id).delete()
    if gone:
        Repository.objects.filter(pk=repository.pk).update(likes=F("likes") - 1)


@transaction.atomic
def count_downloads(*, counts: dict[int, int], day: date) -> None:
    """Add downloads by repository id to one day's counts; unknown ids are left out."""
    known = set(Repository.objects.filter(pk__in=counts).values_list("pk", flat=True))
    for repository_id in sorted(known):
        count = counts[repository_id]
        row, _new = DownloadDay.objects.get_or_create(repository_id=repository_id, day=day)
        DownloadDay.objects.filter(pk=row.pk).update(count=F("count") + count)
        Repository.objects.filter(pk=repository_id).update(
            downloads=F("downloads") + count, downloads_all_time=F("downloads_all_time") + count
        )


@transaction.atomic
def grant_to_token(
    *, viewer: Viewer, token_id: int, kind: Kind, full_name: str, may_write: bool = True
) -> None:
    """Let a scoped token of the viewer open a repository that she may read."""
    repository = repo_for(viewer, kind, full_name, wants="read")
    TokenGrant.objects.update_or_create(
        token_id=token_id, repository=repository, defaults={"may_write": may_write}
    )


def _place_for(viewer: Viewer, kind: Kind, namespace: str | None) -> Namespace:
    """The namespace, if the viewer may create in it. Raises Unauthenticated, Forbidden."""
    if viewer.user_id is None:
        raise Unauthenticated(f"Sign in to create a {kind.name}")
    place = (
        Namespace.objects.filter(user__id=viewer.user_id).first()
        if namespace is None
        else namespace_named(namespace)
    )
    if place is not None and may_create_in(viewer, place):
        return place
    if not viewer.can_write:
        raise Forbidden("This token may only read; to create repositories use a write token")
    raise Forbidden(
        _('You don\'t have the rights to create a %(kind)s under the namespace "%(name)s"')
        % {"kind": kind.word, "name": namespace or viewer.name}
    )


def _visibility(wanted: str | None, place: Namespace) -> str:
    if wanted is None:
        private = Organisation.objects.filter(namespace=place, private_by_default=True).exists()
        return Visibility.PRIVATE if private else Visibility.PUBLIC
    # A protected space shows its app and hides its files; without apps that is private.
    found = {"public": Visibility.PUBLIC, "private": Visibility.PRIVATE}.get(
        "private" if wanted == "protected" else wanted
    )
    if found is None:
        raise Invalid(f"visibility is 'public' or 'private', not {wanted!r}")
    return found


def _taken_text(kind: Kind, full_name: str) -> str:
    # Clients' tests know the English sentence by heart.
    values: dict[str, Any] = {"kind": kind.word, "name": full_name}
    return _("A %(kind)s repository called %(name)s already exists") % values
