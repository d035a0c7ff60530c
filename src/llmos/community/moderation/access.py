"""Who keeps order where: the only way from outside names to cases."""

from dataclasses import dataclass

from django.db.models import Q
from django.db.models.expressions import RawSQL

from llmos.accounts.access import Viewer
from llmos.accounts.errors import NoSuchMember
from llmos.accounts.models import Namespace, Role, User
from llmos.accounts.queries import user_named
from llmos.community.moderation.errors import NotAModerator
from llmos.community.moderation.models import Case
from llmos.community.threads.access import is_moderator, post_for, wrote
from llmos.community.threads.models import Post
from llmos.hub.access import visible_sql
from llmos.hub.models import Repository
from llmos.kit.errors import Unauthenticated

_WRITING = (Role.WRITE, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Target:
    """What a case is about."""

    kind: Case.Kind
    pk: int
    post: Post | None
    member: User | None  # the post's author, or the member herself; None: she is gone

    @property
    def repository_id(self) -> int | None:
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


def may_decide(viewer: Viewer, target: Target) -> bool:
    """Whether she keeps order there. About oneself only administrators decide, for lack of
    others on a small hub; the log shows it.
    """
    if target.member is not None and target.member.pk == viewer.user_id and not viewer.is_admin:
        return False
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
    spaces = Namespace.objects.filter(
        Q(user=viewer.user_id)
        | Q(
            organisation__memberships__user=viewer.user_id,
            organisation__memberships__role__in=_WRITING,
        )
    )
    theirs = Q(repository__namespace__in=spaces.values("pk"))
    if not viewer.can_write or not Repository.objects.filter(namespace__in=spaces).exists():
        raise NotAModerator
    return theirs & _repository_in(viewer) & ~Q(member=viewer.user_id)


def log_for(viewer: Viewer) -> Q:
    """A condition on decisions: the log is everybody's, less what lies in places hidden to her."""
    gone = Q(in_repository=True, repository=None)
    seen = Q(repository=None) | _repository_in(viewer)
    return seen if is_moderator(viewer) else seen & ~gone


def _repository_in(viewer: Viewer) -> Q:
    condition, params = visible_sql(viewer, "r")
    ids = RawSQL(f"SELECT r.id FROM {Repository._meta.db_table} r WHERE {condition}", params)  # noqa: S611
    return Q(repository_id__in=ids)
