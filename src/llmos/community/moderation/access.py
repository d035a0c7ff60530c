"""Who keeps order where: the only way from outside names to cases."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from llmos.accounts.access import Viewer
from llmos.accounts.errors import NoSuchMember
from llmos.accounts.models import Namespace, Role, User
from llmos.accounts.queries import user_named
from llmos.community.moderation.errors import NotAModerator
from llmos.community.moderation.models import Case
from llmos.community.threads.access import is_moderator, post_for, wrote
from llmos.community.threads.models import Post
from llmos.hub.access import repo_for, visible_sql
from llmos.hub.errors import RepoDisabled, RepoMoved, RepoNotFound
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.kit.errors import Unauthenticated

_WRITING = (Role.WRITE, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Target:
    """What a case is about."""

    kind: Case.Kind
    pk: int
    post: Post | None
    member: User | None  # the post's author, the member herself, or who owns the repository
    repository: Repository | None = None  # when it is about all of it

    @property
    def repository_id(self) -> int | None:
        if self.repository is not None:
            return self.repository.pk
        return self.post.thread.repository_id if self.post is not None else None


def post_target(viewer: Viewer, post_id: int) -> Target:
    """Raises PostNotFound."""
    post = post_for(viewer, post_id)
    return Target(Case.Kind.POST, post.pk, post, post.author)


def member_target(name: str) -> Target:
    """Raises NoSuchMember."""
    member = user_named(name)
    if member is None:
        raise NoSuchMember(name)
    return Target(Case.Kind.MEMBER, member.pk, None, member)


def repository_target(viewer: Viewer, path: str) -> Target:
    """`ada/model`, `datasets/ada/rows`: one that she sees, or that was hidden and she may show.

    Raises RepoNotFound, RepoDisabled.
    """
    if "\x00" in path:  # PostgreSQL refuses to look for it
        raise RepoNotFound
    prefixed = (one for one in KINDS.values() if one.prefix and path.startswith(one.prefix))
    kind = next(prefixed, KINDS["model"])
    name = path.removeprefix(kind.prefix)
    try:
        found = repo_for(viewer, kind, name, wants="see")
    except RepoMoved as moved:
        found = repo_for(viewer, kind, moved.new, wants="see")
    except RepoDisabled:
        if not is_moderator(viewer):
            raise
        # A private one is disabled only to her who may know of it.
        found = Repository.objects.select_related("namespace").get(
            type=kind.name, key=name.casefold()
        )
    owner = User.objects.filter(namespace=found.namespace_id).select_related("namespace").first()
    return Target(Case.Kind.REPOSITORY, found.pk, None, owner, found)


def may_decide(viewer: Viewer, target: Target) -> bool:
    """Whether she keeps order there. About oneself only administrators decide, for lack of
    others on a small hub; the log shows it.

    About a whole repository those decide who keep order on the hub, and none who writes in it.
    """
    if target.member is not None and target.member.pk == viewer.user_id and not viewer.is_admin:
        return False
    if target.repository is not None:
        theirs = _spaces_of(viewer).filter(pk=target.repository.namespace_id)
        return is_moderator(viewer) and (viewer.is_admin or not theirs.exists())
    post = target.post
    if post is not None and post.number == 1 and wrote(viewer, post.thread) and not viewer.is_admin:
        return False
    return is_moderator(viewer, post.thread if post is not None else None)


def moderator(viewer: Viewer, target: Target) -> int:
    """The member who decides. Raises Unauthenticated, NotAModerator."""
    if viewer.user_id is None:
        raise Unauthenticated("Sign in to decide")
    if not may_decide(viewer, target):
        raise NotAModerator
    return viewer.user_id


def queue_of(viewer: Viewer) -> Q:
    """A condition on cases: those that she may decide. Raises Unauthenticated, NotAModerator."""
    if viewer.user_id is None:
        raise Unauthenticated("Sign in to see this page")
    if is_moderator(viewer):
        return Q(repository=None) | _repository_in(viewer)
    spaces = _spaces_of(viewer)
    theirs = Q(repository__namespace__in=spaces.values("pk"))
    if not viewer.can_write or not Repository.objects.filter(namespace__in=spaces).exists():
        raise NotAModerator
    whole = Q(kind=Case.Kind.REPOSITORY)
    return theirs & _repository_in(viewer) & ~Q(member=viewer.user_id) & ~whole


def log_for(viewer: Viewer) -> Q:
    """A condition on decisions: the log is everybody's, less what lies in places hidden to her."""
    gone = Q(in_repository=True, repository=None)
    seen = Q(repository=None) | _repository_in(viewer)
    return seen if is_moderator(viewer) else seen & ~gone


def _spaces_of(viewer: Viewer) -> QuerySet[Namespace]:
    """Names under which she writes in every repository."""
    return Namespace.objects.filter(
        Q(user=viewer.user_id)
        | Q(
            organisation__memberships__user=viewer.user_id,
            organisation__memberships__role__in=_WRITING,
        )
    )


def _repository_in(viewer: Viewer) -> Q:
    condition, params = visible_sql(viewer, "r")
    ids = RawSQL(f"SELECT r.id FROM {Repository._meta.db_table} r WHERE {condition}", params)  # noqa: S611
    return Q(repository_id__in=ids)
