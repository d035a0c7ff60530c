"""Reporting, and deciding about what was reported or held back.

Each decision is one transaction: its effect, the end of the case, and its line in the log.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.actions import set_active
from llmos.community.moderation.access import Target, may_decide, moderator
from llmos.community.moderation.errors import AlreadyDecided, AlreadyReported
from llmos.community.moderation.events import (
    CaseClosed,
    MemberDecided,
    PostDecided,
    Reported,
    RepositoryDecided,
)
from llmos.community.moderation.models import Case, Decision, Report
from llmos.community.moderation.queries import last_decision
from llmos.community.moderation.reasons import (
    FINE,
    MANY_REPORTS,
    MENDED,
    TEXTS,
    TRUSTED,
    reason_of,
    shown,
)
from llmos.community.moderation.words import deed_of
from llmos.community.threads.access import is_moderator, writer
from llmos.community.threads.actions import set_post_state
from llmos.community.threads.models import Post, Revision, State
from llmos.community.trust import actions as trust
from llmos.community.trust.config import CommunitySettings
from llmos.community.trust.limits import check_pace
from llmos.community.trust.models import Level
from llmos.community.trust.queries import level_of, standing_of
from llmos.hub.actions import change_settings
from llmos.hub.models import Repository
from llmos.kit.config import current
from llmos.kit.errors import Forbidden, Invalid
from llmos.kit.time import now
from llmos.store.events import announce

Act = Decision.Act
# Acts that find nothing wrong: their reason may be that it keeps to the rules.
FOR_GOOD = {Act.KEEP, Act.APPROVE, Act.SHOW, Act.SPEAK, Act.READMIT}
# What becomes of the post.
STATES = {
    Act.KEEP: State.VISIBLE,
    Act.APPROVE: State.VISIBLE,
    Act.SHOW: State.VISIBLE,
    Act.HIDE: State.HIDDEN,
    Act.REMOVE: State.REMOVED,
    Act.SILENCE: State.HIDDEN,
    Act.SUSPEND: State.REMOVED,
}
LONGEST_SILENCE = 90 * 24  # hours


def report(viewer: Viewer, *, target: Target, reason: str, words: str = "") -> Case:
    """Say what is wrong with a post, a member or a repository.

    Enough reports hide what somebody new posted.

    Raises ReasonMissing, AlreadyReported, Invalid, Unauthenticated, Silenced, TooFast.
    """
    user = writer(viewer, "report")
    if target.member is not None and target.member.pk == user:
        raise Invalid(_("This is your own"))
    text = reason_of(reason, words)
    standing = standing_of(user)
    check_pace(standing, kind="report")
    with transaction.atomic():
        case, edits = _locked_case(target), _edits(target)
        _refuse_second_report(case, user, edits)
        Report.objects.update_or_create(
            case=case,
            user_id=user,
            defaults={
                "reason": text,
                "weighs": standing.level >= Level.MEMBER,
                "edits": edits,
                "at": now(),
                "is_settled": False,
            },
        )
        _open(case, Case.Cause.REPORTED)
        case.reports_count += 1
        case.save(update_fields=["reports_count"])
        _hide_if_many(case, target)
    return case


def acts_for(viewer: Viewer, target: Target, case: Case | None) -> list[Decision.Act]:
    """What this viewer may decide about it as it is now."""
    if not may_decide(viewer, target):
        return []
    waits = case is not None and case.is_open
    acts = _acts_on_post(target.post, case) if target.post is not None else []
    if target.post is None and waits:
        acts.append(Act.KEEP)
    if target.repository is not None:
        acts.append(Act.SHOW if target.repository.disabled else Act.HIDE)
        return acts  # about its owner one decides on the page about her
    return acts + _acts_on_member(viewer, target)


def decide(
    viewer: Viewer,
    *,
    target: Target,
    act: str,
    seen: int,
    reason: str = "",
    words: str = "",
    hours: int = 24,
) -> Decision:
    """Decide, and log it. `seen` is the last decision about it that the moderator knew, or 0.

    Raises AlreadyDecided, ReasonMissing, Invalid, Forbidden, Unauthenticated.
    """
    by = moderator(viewer, target)
    if act not in Act.values:
        raise Invalid(_("There is no such decision"))
    act = Act(act)
    text = reason_of(reason, words, otherwise=FINE if act in FOR_GOOD else "")
    with transaction.atomic():
        case = _locked_case(target)
        _refuse_second(target, seen)
        if target.post is not None:
            target.post.refresh_from_db(fields=["state", "state_reason", "edits"])
        if target.repository is not None:
            target.repository.refresh_from_db()
        if act not in acts_for(viewer, target, case):
            raise Forbidden(_("This cannot be decided here, or not by you"))
        until = _until(hours) if act == Act.SILENCE else None
        _apply(target, act, text, until)
        _close(case, target)
        made = _log(target, act, by, text, until=until)
        if target.repository is not None:
            _open_or_hide(target.repository, made)
        return made


@transaction.atomic
def set_level(
    viewer: Viewer, *, target: Target, level: int, reason: str, words: str, held: bool
) -> Decision:
    """Give a member a level by hand. Raises ReasonMissing, Forbidden, Invalid."""
    by = moderator(viewer, target)
    if target.member is None or level not in Level.values:
        raise Invalid(_("There is no such level"))
    if level == Level.STEWARD and not viewer.is_admin:
        raise Forbidden(_("Only administrators make stewards"))
    raises = level >= level_of(target.member.pk)
    text = reason_of(reason, words, otherwise=TRUSTED if raises else "")
    case = _locked_case(target)
    trust.set_level(user_id=target.member.pk, level=Level(level), reason=shown(text), held=held)
    _close(case, target)
    return _log(target, Act.LEVEL, by, text, level=level)


@transaction.atomic
def log_level(*, member_id: int, level: int, words: str) -> None:
    """The line of a level that whoever runs the hub gave on its console."""
    Decision.objects.create(
        act=Act.LEVEL,
        kind=Case.Kind.MEMBER,
        target=member_id,
        member_id=member_id,
        reason=f"{TEXTS['other' if words else TRUSTED]}\n{words}".strip(),
        level=level,
    )


@transaction.atomic
def take_up_held(post: Post) -> None:
    """Queue a post that waits since a check held it back."""
    if post.state == State.PENDING:
        case = _locked_case(Target(Case.Kind.POST, post.pk, post, post.author))
        _open(case, Case.Cause.HELD)


@transaction.atomic
def take_up_mended(post: Post) -> None:
    """Queue a hidden post that its author has edited since; it stays hidden until approved."""
    if post.state != State.HIDDEN or post.author_id is None:
        return
    case = _locked_case(Target(Case.Kind.POST, post.pk, post, post.author))
    mended = Revision.objects.filter(
        post=post, number__gte=case.judged_edits, author_id=post.author_id
    )
    if (case.is_open and case.cause == Case.Cause.MENDED) or not mended.exists():
        return
    case.is_open = False
    _open(case, Case.Cause.MENDED)
    if MENDED not in post.state_reason:
        reason = f"{post.state_reason}\n{MENDED}".strip()
        set_post_state(post=post, state=State.HIDDEN, reason=reason)


@transaction.atomic
def hold_edited(post: Post, reason: str) -> None:
    """Hold back a text that stands in the place of a harmless one, unless it was looked at."""
    case = _locked_case(Target(Case.Kind.POST, post.pk, post, post.author))
    if case.judged_edits < post.edits and post.state == State.VISIBLE:
        _set_state(post, State.PENDING, reason)


def _acts_on_post(post: Post, case: Case | None) -> list[Decision.Act]:
    waits = case is not None and case.is_open
    reported = waits and case is not None and case.cause == Case.Cause.REPORTED
    acts: dict[str, list[Decision.Act]] = {
        State.VISIBLE: [*([Act.KEEP] if waits else []), Act.HIDE, Act.REMOVE],
        State.PENDING: [Act.APPROVE, Act.HIDE, Act.REMOVE],
        State.HIDDEN: [Act.KEEP if reported else Act.SHOW, Act.HIDE, Act.REMOVE],
        State.REMOVED: [Act.SHOW],
    }
    return acts[post.state]


def _acts_on_member(viewer: Viewer, target: Target) -> list[Decision.Act]:
    member = target.member
    if member is None or member.pk == viewer.user_id or (member.is_staff and not viewer.is_admin):
        return []
    acts = [Act.WARN]
    silenced = standing_of(member.pk).silenced_until
    if is_moderator(viewer):
        acts.append(Act.SPEAK if silenced is not None and silenced > now() else Act.SILENCE)
    if viewer.is_admin:
        acts.append(Act.SUSPEND if member.is_active else Act.READMIT)
    return acts


def _apply(target: Target, act: Decision.Act, reason: str, until: datetime | None) -> None:
    if target.post is not None and act in STATES:
        _set_state(target.post, STATES[act], "" if act in FOR_GOOD else reason)
    if target.member is None or act not in {
        Act.WARN,
        Act.SILENCE,
        Act.SPEAK,
        Act.SUSPEND,
        Act.READMIT,
    }:
        return
    if act == Act.SILENCE and until is not None:
        trust.silence(user_id=target.member.pk, until=until, reason=shown(reason))
    elif act == Act.SPEAK:
        trust.unsilence(user_id=target.member.pk)
    elif act in {Act.SUSPEND, Act.READMIT}:
        set_active(
            user=target.member,
            active=act == Act.READMIT,
            reason=reason if act == Act.SUSPEND else "",
        )
    announce(MemberDecided(user_id=target.member.pk, act=act.value, reason=reason))


def _open_or_hide(repository: Repository, decision: Decision) -> None:
    """Nobody but administrators opens a hidden repository; its files stay."""
    hidden = decision.act == Act.HIDE
    if decision.act not in {Act.HIDE, Act.SHOW} or repository.disabled == hidden:
        return
    change_settings(repository=repository, disabled=hidden)
    announce(
        RepositoryDecided(
            repository_id=repository.pk,
            decision_id=decision.pk,
            hidden=hidden,
            reason=decision.reason,
        )
    )


def _set_state(post: Post, state: State, reason: str) -> None:
    if (post.state, post.state_reason) == (state, reason):
        return
    set_post_state(post=post, state=state, reason=reason)
    announce(
        PostDecided(post_id=post.pk, state=state.value, reason=reason, author_id=post.author_id)
    )


def _locked_case(target: Target) -> Case:
    """The row about a thing; holding it, one moderator decides at a time."""
    made, _new = Case.objects.get_or_create(
        kind=target.kind,
        target=target.pk,
        defaults={
            "cause": Case.Cause.LOOKED_AT,
            "post": target.post,
            "member": target.member,
            "repository_id": target.repository_id,
            "is_open": False,
        },
    )
    return Case.objects.select_for_update().get(pk=made.pk)


def _open(case: Case, cause: Case.Cause) -> None:
    if case.is_open:
        return
    case.is_open, case.cause, case.opened_at = True, cause, now()
    case.save(update_fields=["is_open", "cause", "opened_at"])
    announce(Reported(case_id=case.pk))


def _close(case: Case, target: Target) -> None:
    waiting = case.reports.filter(is_settled=False)
    reporters = list(waiting.exclude(user=None).values_list("user_id", flat=True))
    waiting.update(is_settled=True)
    if reporters:
        announce(CaseClosed(case_id=case.pk, user_ids=reporters))
    case.is_open, case.reports_count, case.judged_edits = False, 0, _edits(target)
    case.save(update_fields=["is_open", "reports_count", "judged_edits"])


def _log(
    target: Target,
    act: Decision.Act,
    by: int,
    reason: str,
    *,
    until: datetime | None = None,
    level: int | None = None,
) -> Decision:
    place = target.repository_id
    if target.repository is not None and not target.repository.is_private:
        place = None
    return Decision.objects.create(
        act=act,
        kind=target.kind,
        target=target.pk,
        post=target.post,
        member=target.member,
        by_id=by,
        repository_id=place,
        in_repository=place is not None,
        reason=reason,
        until=until,
        level=level,
    )


def _hide_if_many(case: Case, target: Target) -> None:
    """Reports of members of some standing hide what somebody new wrote, until looked at."""
    post, member = target.post, target.member
    if post is None or member is None or post.state != State.VISIBLE or member.is_staff:
        return
    weighty = case.reports.filter(is_settled=False, weighs=True).count()
    enough = current(CommunitySettings).reports_that_hide
    if 0 < enough <= weighty and level_of(member.pk) == Level.NEW:
        case.judged_edits = post.edits
        case.save(update_fields=["judged_edits"])
        _set_state(post, State.HIDDEN, MANY_REPORTS)


def _refuse_second_report(case: Case, user: int, edits: int) -> None:
    found = case.reports.filter(user_id=user).first()
    if found is None:
        return
    if not found.is_settled:
        raise AlreadyReported(_("You have reported this; a moderator will look at it"))
    if case.kind == Case.Kind.POST and found.edits >= edits:
        raise AlreadyReported(
            _("You have reported this, a moderator has decided, and it is the same since")
        )


def _refuse_second(target: Target, seen: int) -> None:
    last = last_decision(target.kind, target.pk)
    if last is not None and last.pk != seen:
        raise AlreadyDecided(
            _("%(name)s has decided in the meantime: %(deed)s. Nothing was changed by you.")
            % {"name": last.by.username if last.by else _("Somebody"), "deed": deed_of(last)},
            data={"decision": last.pk, "act": last.act},
        )


def _edits(target: Target) -> int:
    return target.post.edits if target.post is not None else 0


def _until(hours: int) -> datetime:
    if not 1 <= hours <= LONGEST_SILENCE:
        raise Invalid(_("A silence lasts from an hour to %(days)d days") % {"days": 90})
    return now() + timedelta(hours=hours)
