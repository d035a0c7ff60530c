"""Telling members what is new, after the fact: from announcements to rows, mails and pushes.

A post with ten thousand watchers is told in chunks, each one transaction that files the next,
so a worker killed in the middle goes on where it was and nobody hears of it twice.
"""

from collections.abc import Collection
from datetime import timedelta

from django.db import transaction

from llmos.accounts.models import User
from llmos.community.moderation.models import Case, Decision
from llmos.community.notifications import audience, digests, letters, push
from llmos.community.notifications.audience import Place
from llmos.community.notifications.kinds import Kind
from llmos.community.notifications.models import Notification, PushSubscription
from llmos.community.notifications.queries import bundles_of, preferences_by_member
from llmos.community.notifications.speaking import speaking
from llmos.community.notifications.telling import Story, Told, tell
from llmos.community.notifications.words import line_of
from llmos.community.threads.models import Post, Reaction, State, Thread, Watch
from llmos.hub.git import refs, repos
from llmos.hub.models import AccessRequest, ChangeRequest, Repository
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage
from llmos.kit.ids import fingerprint
from llmos.kit.time import now
from llmos.store.tasks import file_once, task, wake_worker

CHUNK = 500  # members told in one transaction
PUSHES = 20  # sent by one task, since each waits for a server elsewhere
KEPT_DAYS = 180
_DAY = timedelta(days=1)


@task()
def on_post_written(*, post_id: int) -> None:
    """Whom the post is for comes first, so that the strongest reason stands."""
    post = audience.post_to_tell(post_id)
    if post is None:
        return
    with transaction.atomic():
        for kind, user_ids in _by_kind(audience.named_in(post)).items():
            _tell_of_post(user_ids, post, kind)
        if audience.opens_discussion(post):
            _tell_of_post(audience.keepers_to_tell(post), post, Kind.THREAD)
        _tell_watchers(post, after=0)


@task()
def tell_more_watchers(*, post_id: int, after: int) -> None:
    """The next chunk of those who watch the place of a post."""
    post = audience.post_to_tell(post_id)
    if post is not None:
        with transaction.atomic():
            _tell_watchers(post, after=after)


@task()
def on_post_changed(*, post_id: int) -> None:
    """Somebody may be named now who was not before."""
    post = audience.post_to_tell(post_id)
    if post is not None and post.edits:
        named = audience.named_in(post)
        with transaction.atomic():
            mentioned = [user for user, kind in named.items() if kind == Kind.MENTION]
            _tell_of_post(mentioned, post, Kind.MENTION)


@task()
def on_question_routed(*, thread_id: int, user_ids: list[int]) -> None:
    first = Post.objects.filter(thread_id=thread_id, number=1).values_list("pk", flat=True).first()
    post = audience.post_to_tell(first) if first is not None else None
    if post is not None:
        with transaction.atomic():
            _tell_of_post(user_ids, post, Kind.QUESTION)


@task()
def on_answer_accepted(*, thread_id: int, post_id: int, user_id: int) -> None:
    post = audience.post_to_tell(post_id)
    if post is not None and post.author_id is not None:
        _tell_and_follow_up(
            [post.author_id],
            Story(
                Kind.ACCEPTED,
                f"accepted:{post.pk}",
                actor_id=user_id,
                thread_id=post.thread_id,
                post_id=post.pk,
                repository_id=post.thread.repository_id,
            ),
            post.thread.repository,
        )


@task()
def on_answer_withdrawn(*, thread_id: int, post_id: int) -> None:
    """News of it that nobody has looked at, and that no mail has carried yet, is none."""
    Notification.objects.filter(key=f"accepted:{post_id}", seen_at=None, letter=None).delete()


@task()
def on_poll_closed(
    *, poll_id: int, post_id: int, leading: list[str], share: int, voters: list[int]
) -> None:
    """Who voted, and who follows the topic, hear what came out; run again, nobody twice."""
    post = audience.post_to_tell(post_id)
    if post is None:
        return
    story = Story(
        Kind.POLL,
        f"poll:{poll_id}",
        thread_id=post.thread_id,
        post_id=post.pk,
        facts={"leading": leading, "share": share},
    )
    for start in range(0, len(voters), CHUNK):
        some = audience.unless_muted(voters[start : start + CHUNK], post.thread)
        _tell_and_follow_up(some, story)
    ids = audience.following_thread(post.thread, after=0, limit=CHUNK)
    while ids:
        _tell_and_follow_up(ids, story)
        ids = audience.following_thread(post.thread, after=ids[-1], limit=CHUNK)


@task()
def on_level_changed(*, user_id: int, was: int, level: int, reason: str) -> None:
    """A member hears once of each level that she reaches, and why one was lowered."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        return
    if level < was:
        tell_of_decision(user_id, "level", reason)
        return
    story = Story(Kind.LEVEL, f"level:{level}", address=f"/{user.username}", facts={"level": level})
    _tell_and_follow_up([user_id], story)


@task()
def on_reacted(*, post_id: int, user_id: int, name: str) -> None:
    """All reactions to a post are one row, which is unread again when there are more."""
    row = Reaction.objects.filter(post_id=post_id, user_id=user_id, name=name).first()
    post = audience.post_to_tell(post_id)
    if row is None or post is None or post.author_id is None:
        return
    story = Story(
        Kind.REACTION,
        f"reaction:{post.pk}",
        actor_id=user_id,
        thread_id=post.thread_id,
        post_id=post.pk,
        repository_id=post.thread.repository_id,
        upto=row.pk,
    )
    _tell_and_follow_up([post.author_id], story, post.thread.repository)


@task()
def on_followed(*, user_id: int, kind: str, target: str) -> None:
    """Told once, however often somebody changes her mind."""
    rows = Watch.objects.filter(
        user_id=user_id, kind=kind, target=target, level__gte=Watch.Level.FOLLOWING
    )
    follower = rows.select_related("user").first()
    if kind == Watch.Kind.MEMBER and target.isdecimal() and follower is not None:
        story = Story(
            Kind.FOLLOWER,
            f"follower:{user_id}",
            bundle="follower",
            actor_id=user_id,
            address=f"/{follower.user.username}",
        )
        _tell_and_follow_up([int(target)], story)


@task()
def on_member_left(*, user_id: int, namespace_id: int, name: str) -> None:
    """That she followed somebody leads nowhere now."""
    Notification.objects.filter(key=f"follower:{user_id}").delete()


@task()
def on_ref_updated(
    *, repository_id: int, ref: str, old: str, new: str, user_id: int | None
) -> None:
    """A push to `main` or a tag is a version; whoever has an unread one there needs no second."""
    is_version = ref == repos.MAIN or ref.startswith("refs/tags/")
    if not is_version or new == refs.NOTHING or (ref == repos.MAIN and old == refs.NOTHING):
        return
    tell_of_version(repository_id=repository_id, ref=ref, new=new, user_id=user_id, after=0)


@task()
def tell_more_followers(
    *, repository_id: int, ref: str, new: str, user_id: int | None, after: int
) -> None:
    tell_of_version(repository_id=repository_id, ref=ref, new=new, user_id=user_id, after=after)


@transaction.atomic
def tell_of_version(
    *, repository_id: int, ref: str, new: str, user_id: int | None, after: int
) -> None:
    """One chunk of those who follow a repository or its owner, and the task for the next."""
    repository = Repository.objects.select_related("namespace").filter(pk=repository_id).first()
    if repository is None:
        return
    ids = audience.watching(
        [Place(Watch.Kind.REPOSITORY, str(repository_id))],
        level=Watch.Level.FOLLOWING,
        after=after,
        limit=CHUNK,
    )
    story = Story(
        Kind.VERSION,
        f"version:{repository_id}:{ref[-40:]}:{new[:16]}",
        bundle=f"version:{repository_id}",
        actor_id=user_id,
        repository_id=repository_id,
        address=f"/{repository}" if ref == repos.MAIN else f"/{repository}/tree/{_short(ref)}",
        facts={"ref": ref},
    )
    waiting = Notification.objects.filter(user_id__in=ids, bundle=story.bundle, seen_at=None)
    kept = set(ids) - set(waiting.values_list("user_id", flat=True))
    _tell_and_follow_up(kept, story, repository)
    if len(ids) == CHUNK:
        tell_more_followers.enqueue(
            repository_id=repository_id, ref=ref, new=new, user_id=user_id, after=ids[-1]
        )


@task()
def on_change_opened(*, repository_id: int, number: int) -> None:
    change = _change(repository_id, number)
    if change is not None:
        story = _story_of_change(change, "opened", change.author_id)
        _tell_and_follow_up(audience.keepers_of(change.repository), story, change.repository)


@task()
def on_change_changed(*, repository_id: int, number: int, status: str) -> None:
    """Its author hears how it ended."""
    change = _change(repository_id, number)
    if change is None or change.author_id is None or status != change.status:
        return
    if status == ChangeRequest.Status.MERGED:
        story = _story_of_change(change, "merged", change.merged_by_id)
    elif status == ChangeRequest.Status.CLOSED:
        story = _story_of_change(change, "closed", None)
    else:
        return
    _tell_and_follow_up([change.author_id], story, change.repository)


@task()
def on_access_asked(*, repository_id: int, user_id: int, status: str) -> None:
    """Who keeps the repository hears of the wish, and who asked of the answer."""
    asked = (
        AccessRequest.objects.select_related("repository__namespace")
        .filter(repository_id=repository_id, user_id=user_id, status=status)
        .first()
    )
    if asked is None or (asked.repository.gated == "auto" and not asked.granted):
        return  # who asks there is let in at once, and sees it
    is_open = status == AccessRequest.Status.PENDING
    page = f"/{asked.repository}"
    story = Story(
        Kind.ACCESS,
        f"access:{repository_id}:{user_id}:{status}",
        actor_id=user_id if is_open else None,
        repository_id=repository_id,
        address=f"{page}/settings" if is_open else page,
        facts={"status": status, "reason": asked.reason if is_open else ""},
    )
    whom = audience.keepers_of(asked.repository) if is_open else [user_id]
    _tell_and_follow_up(whom, story, asked.repository)


@task()
def on_job_ended(*, job_id: str, activity: str, stage: str) -> None:
    """Whoever filed a job hears how it ended, unless she stopped it herself."""
    job = Job.objects.select_related("namespace").filter(pk=job_id).first()
    if job is None or stage == Stage.CANCELLED:
        return
    output = job.output or job.spec.get("output") or {}
    story = Story(
        Kind.JOB,
        f"job:{job_id}:{job.attempt}",
        address=job.url,
        facts={
            "ok": stage == Stage.SUCCEEDED,
            "title": f"{activity} · {output.get('repo', '')}".rstrip(" ·"),
            "reason": "" if stage == Stage.SUCCEEDED else job.message[:300],
        },
    )
    _tell_and_follow_up([job.user_id], story)


@task()
def on_post_decided(*, post_id: int, state: str, reason: str, author_id: int | None) -> None:
    """The author of a post hears of each decision about it, and why."""
    post = Post.objects.select_related("thread").filter(pk=post_id).first()
    if post is None or author_id is None or post.state != state:
        return
    story = Story(
        Kind.DECISION,
        f"decision:{post_id}:{state}:{post.edits}",
        thread_id=post.thread_id,
        post_id=post_id,
        repository_id=post.thread.repository_id,
        facts={"state": state, "reason": reason},
    )
    _tell_and_follow_up([author_id], story)


@task()
def on_member_decided(*, user_id: int, act: str, reason: str) -> None:
    tell_of_decision(user_id, act, reason)


def tell_of_decision(user_id: int, act: str, reason: str) -> None:
    """Of the last decision of this kind about a member, which the log has."""
    decided = Decision.objects.filter(member_id=user_id, act=act).order_by("pk").last()
    story = Story(
        Kind.DECISION,
        f"decided:{decided.pk if decided else act}",
        address="/moderation",
        # As the log keeps it, each reader gets it in her language.
        facts={"state": act, "reason": decided.reason if decided else reason},
    )
    _tell_and_follow_up([user_id], story)


@task()
def on_repository_decided(
    *, repository_id: int, decision_id: int, hidden: bool, reason: str
) -> None:
    """Who keeps a repository hears that it was hidden, which they see no more, and why."""
    repository = Repository.objects.select_related("namespace").filter(pk=repository_id).first()
    if repository is None:
        return
    story = Story(
        Kind.DECISION,
        f"decided:{decision_id}",
        address="/moderation/log",
        facts={
            "state": "repository-hidden" if hidden else "repository-shown",
            "title": repository.full_name,
            "reason": reason,
        },
    )
    _tell_and_follow_up(audience.keepers_of(repository), story)


@task()
def on_case_closed(*, case_id: int, user_ids: list[int]) -> None:
    """Whoever reported something hears that it was decided."""
    case = Case.objects.select_related("post__thread", "member").filter(pk=case_id).first()
    if case is None:
        return
    post = case.post if case.post is not None and case.post.state == State.VISIBLE else None
    story = Story(
        Kind.REPORT,
        f"report:{case_id}:{_last_decision(case)}",
        thread_id=post.thread_id if post else None,
        post_id=post.pk if post else None,
        # Who reported a repository hears of it also where it can be seen no more.
        repository_id=case.repository_id if post else None,
        address="" if post else "/moderation/log",
    )
    _tell_and_follow_up(user_ids, story)


@task()
def on_coauthor_invited(*, thread_id: int, user_id: int, by_id: int) -> None:
    """The draft is not yet hers to find, so the invitation itself says what it is."""
    thread = Thread.objects.filter(pk=thread_id).first()
    if thread is not None:
        story = Story(
            Kind.INVITATION,
            f"invitation:{thread_id}",
            actor_id=by_id,
            address=thread.address,
            facts={"title": thread.title},
        )
        _tell_and_follow_up([user_id], story)


@task()
def on_file_refused(*, repository_id: int, path: str, message: str, user_id: int | None) -> None:
    repository = Repository.objects.select_related("namespace").filter(pk=repository_id).first()
    if repository is None or user_id is None:
        return
    story = Story(
        Kind.DECISION,
        f"file:{repository_id}:{fingerprint(f'{path} {message}')[:32]}",
        repository_id=repository_id,
        address=f"/{repository}/blob/main/{path}",
        facts={"state": "file", "title": path, "reason": message},
    )
    _tell_and_follow_up([user_id], story)


@task()
def send_letters() -> None:
    """Mails whose time has come, a batch at once; says when it wants to be called again."""
    again_at = letters.send_due()
    if again_at is not None:
        file_once(send_letters, run_after=again_at, sooner=True)


@task()
def send_digests(*, after: int = 0) -> None:
    """Claim the digests that are due, a chunk of members at once; every hour."""
    last = digests.claim_due(after=after)
    file_once(send_letters, sooner=True)
    if last is not None:
        send_digests.enqueue(after=last)
    else:
        file_once(send_digests, run_after=now() + timedelta(minutes=30), sooner=True)


@task()
def push_out(*, key: str, after: int = 0) -> None:
    """Messages to devices about one piece of news. Each is taken first, so it goes out once."""
    rows = Notification.objects.filter(key=key, push_wanted=True, pk__gt=after).order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:PUSHES])
    for number in ids:
        if Notification.objects.filter(pk=number, push_wanted=True).update(push_wanted=False):
            _push(number)
    if len(ids) == PUSHES:
        push_out.enqueue(key=key, after=ids[-1])


@task()
def forget_old() -> None:
    """Drop what was seen long ago; once a day."""
    horizon = now() - timedelta(days=KEPT_DAYS)
    Notification.objects.filter(at__lt=horizon).exclude(seen_at=None).delete()
    letters.forget_before(horizon)
    file_once(forget_old, run_after=now() + _DAY, sooner=True)


def begin() -> None:
    """What a starting worker owes: letters that the one before had in hand, and the clocks."""
    letters.give_up_claimed()
    for clock in (send_letters, send_digests, forget_old):
        file_once(clock, sooner=True)


def _tell_of_post(user_ids: Collection[int], post: Post, kind: Kind) -> None:
    thread = post.thread
    is_watched = kind == Kind.POST
    story = Story(
        kind,
        f"post:{post.pk}",
        bundle=f"thread:{thread.pk}" if is_watched else "",
        actor_id=post.author_id,
        thread_id=thread.pk,
        post_id=post.pk,
        repository_id=thread.repository_id,
    )
    _tell_and_follow_up(user_ids, story, thread.repository)


def _tell_watchers(post: Post, *, after: int) -> None:
    ids = audience.watchers(post, after=after, limit=CHUNK)
    kind = audience.kind_for_watchers(post)
    # Whom it names were told so; if she wants to hear of no answers, not as a watcher either.
    others = set(ids) - audience.named_in(post).keys()
    _tell_of_post(audience.willing_watchers(others, post), post, kind)
    if len(ids) == CHUNK:
        tell_more_watchers.enqueue(post_id=post.pk, after=ids[-1])


@transaction.atomic
def _tell_and_follow_up(
    user_ids: Collection[int], story: Story, repository: Repository | None = None
) -> None:
    """Tell those who may and want to hear it, and file what carries it further."""
    kept = audience.without_distant(user_ids, story.actor_id)
    told: Told = tell(audience.who_may_see(kept, repository), story)
    if told.mails:
        file_once(send_letters, run_after=now() + letters.GRACE, sooner=True)
    if told.pushes:
        push_out.enqueue(key=story.key)
        transaction.on_commit(wake_worker)


def _push(number: int) -> None:
    row = Notification.objects.select_related("user").filter(pk=number).first()
    if row is None:
        return
    preferences = preferences_by_member([row.user_id])[row.user_id]
    found = letters.still_news(row.user, [number])
    if preferences.is_muted or not found:
        return
    with speaking(preferences):
        line = line_of(bundles_of(found)[0])
    message = {
        "title": line.text,
        "body": line.title or line.excerpt,
        "url": f"/notifications/{number}",
        "tag": row.bundle,
    }
    for device in PushSubscription.objects.filter(user_id=row.user_id):
        outcome = push.send(
            endpoint=device.endpoint, p256dh=device.p256dh, auth=device.auth, message=message
        )
        if outcome == push.Outcome.GONE:
            device.delete()


def _story_of_change(change: ChangeRequest, status: str, actor_id: int | None) -> Story:
    first = audience.first_post_of_change(change) if status == "opened" else None
    return Story(
        Kind.CHANGE,
        # Its conversation is opened with it, and told to those who follow the repository.
        f"post:{first}" if first else f"change:{change.repository_id}:{change.number}:{status}",
        actor_id=actor_id,
        repository_id=change.repository_id,
        address=f"/{change.repository}/discussions/{change.number}",
        facts={"status": status, "title": f"{change.title} · #{change.number}"},
    )


def _change(repository_id: int, number: int) -> ChangeRequest | None:
    return (
        ChangeRequest.objects.select_related("repository__namespace")
        .filter(repository_id=repository_id, number=number)
        .first()
    )


def _last_decision(case: Case) -> int:
    rows = Decision.objects.filter(kind=case.kind, target=case.target).order_by("pk")
    return rows.values_list("pk", flat=True).last() or 0


def _by_kind(reasons: dict[int, Kind]) -> dict[Kind, list[int]]:
    found: dict[Kind, list[int]] = {}
    for user_id, kind in reasons.items():
        found.setdefault(kind, []).append(user_id)
    return found


def _short(ref: str) -> str:
    return ref.removeprefix("refs/tags/")
