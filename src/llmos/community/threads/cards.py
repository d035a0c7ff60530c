"""Live cards: what a link to a thing of this hub says when this viewer may see the thing.

Asked at the time of showing, all things of one kind at once. What is private, gone or unknown
has no card, and its link stays as plain as one that leads nowhere.
"""

from collections import Counter
from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from llmos.accounts.access import Viewer
from llmos.community.threads.access import listed
from llmos.community.threads.additions import Card, CardLoader, add_card, card_kinds
from llmos.community.threads.addresses import post_address
from llmos.community.threads.models import Post, State, Thread
from llmos.evaluation.access import result_for
from llmos.evaluation.words import metric_word, number, task_word
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository, RepositoryTag
from llmos.hub.queries import visible
from llmos.jobs.access import job_named
from llmos.kit.errors import Refusal
from llmos.kit.text import plain_words
from llmos.provenance.access import seen

EXCERPT = 160  # characters
MOST_ASKED = 20  # jobs or results of one page: each of them asks for itself


def cards_for(viewer: Viewer, targets: Collection[str]) -> dict[str, Card]:
    """Cards by `kind:key`, for the things that the viewer may see."""
    by_kind: dict[str, list[str]] = {}
    for target in sorted(targets):
        kind, _colon, key = target.partition(":")
        by_kind.setdefault(kind, []).append(key)
    return {
        f"{kind}:{key}": card
        for kind, keys in by_kind.items()
        if (load := _loader(kind)) is not None
        for key, card in load(viewer, keys).items()
    }


def add_own_cards() -> None:
    """Runs, results and papers: things of rooms to the left, which know no cards."""
    add_card("job", _jobs, pattern=r"/jobs/[\w.-]+/(?P<key>[0-9a-f]{24})")
    add_card("result", _results, pattern=r"/results/(?P<key>[0-9a-f]{8,24})")
    add_card("paper", _papers, pattern=r"arxiv:(?P<key>\d{4}\.\d{4,5})")


def _loader(kind: str) -> CardLoader | None:
    if kind in _LOADERS:
        return _LOADERS[kind]
    added = card_kinds().get(kind)
    return added.load if added is not None else None


def _repositories(viewer: Viewer, keys: Collection[str]) -> Mapping[str, Card]:
    known = seen(viewer, map(int, keys))
    rows = Repository.objects.filter(pk__in=known).defer("card", "tags", "protected_branches")
    return {str(row.pk): _repository(row) for row in rows}


def _repository(row: Repository) -> Card:
    kinds = {
        "model": _("Model"),
        "dataset": _("Data set"),
        "space": _("Space"),
        "kernel": _("Kernel"),
    }
    facts = [row.pipeline_tag, row.library_name]
    if row.downloads:
        facts.append(
            ngettext("%(n)d download", "%(n)d downloads", row.downloads) % {"n": row.downloads}
        )
    if row.likes:
        facts.append(ngettext("%(n)d like", "%(n)d likes", row.likes) % {"n": row.likes})
    return Card(
        title=row.full_name,
        address=f"/{KINDS[row.type].prefix}{row.full_name}",
        icon=row.type,
        kind=kinds[row.type],
        facts=[fact for fact in facts if fact],
        text=row.description[:EXCERPT],
    )


def _threads(viewer: Viewer, keys: Collection[str]) -> Mapping[str, Card]:
    rows = Thread.objects.filter(listed(viewer), pk__in=list(map(int, keys)))
    return {str(row.pk): _thread(row) for row in rows.select_related("author")}


def _thread(row: Thread) -> Card:
    answers = max(0, row.posts_count - 1)
    facts = [
        row.author.username if row.author else "",
        ngettext("%(n)d answer", "%(n)d answers", answers) % {"n": answers},
        _("closed") if row.closed_at else "",
    ]
    return Card(
        title=row.title or _("Note"),
        address=row.address,
        icon="talk",
        kind=place_word(row),
        facts=[fact for fact in facts if fact],
    )


def place_word(row: Thread) -> str:
    """What kind of conversation it is."""
    return {
        Thread.Place.TOPIC: _("Topic"),
        Thread.Place.DISCUSSION: _("Discussion"),
        Thread.Place.ARTICLE: _("Article"),
        Thread.Place.NOTE: _("Note"),
    }[Thread.Place(row.place)]


def _posts(viewer: Viewer, keys: Collection[str]) -> Mapping[str, Card]:
    rows = Post.objects.filter(
        pk__in=list(map(int, keys)),
        state=State.VISIBLE,
        thread__in=Thread.objects.filter(listed(viewer)).values("pk"),
    )
    return {str(row.pk): _post(row) for row in rows.select_related("author", "thread")}


def _post(row: Post) -> Card:
    return Card(
        title=row.thread.title or _("Note"),
        address=post_address(row.thread.address, row.number),
        icon="quote",
        kind=place_word(row.thread),
        facts=[row.author.username if row.author else _("somebody"), f"#{row.number}"],
        text=plain_words(row.text, longest=EXCERPT),
    )


def _jobs(viewer: Viewer, keys: Collection[str]) -> Mapping[str, Card]:
    cards = {}
    for key in list(keys)[:MOST_ASKED]:
        try:
            job = job_named(viewer, key)
        except Refusal:
            continue
        activities = {"train": _("Training"), "evaluate": _("Evaluation")}
        output = job.spec.get("output")
        named = [output] if output else job.spec["inputs"]
        cards[key] = Card(
            title=" · ".join(str(one["repo"]) for one in named) or job.pk,
            address=job.url,
            icon="curve",
            kind=activities.get(job.activity, job.activity),
            facts=[_stage(job.stage), job.user.username],
        )
    return cards


def _stage(stage: str) -> str:
    words = {
        "queued": _("waiting"),
        "running": _("running"),
        "succeeded": _("done"),
        "failed": _("failed"),
        "cancelled": _("cancelled"),
        "lost": _("lost"),
    }
    return words.get(stage, stage)


def _results(viewer: Viewer, keys: Collection[str]) -> Mapping[str, Card]:
    cards = {}
    for key in list(keys)[:MOST_ASKED]:
        try:
            result = result_for(viewer, key)
        except Refusal:
            continue
        cards[key] = Card(
            title=f"{metric_word(result.metric)} {number(result.value)}",
            address=result.url,
            icon="check",
            kind=_("Result"),
            facts=[result.model.full_name, task_word(result.task)],
            text=result.board.label if result.board else result.data_name,
        )
    return cards


def _papers(viewer: Viewer, keys: Collection[str]) -> Mapping[str, Card]:
    """Papers by their arXiv numbers, with what on this hub names them."""
    tags = RepositoryTag.objects.filter(
        tag__in=[f"arxiv:{key}" for key in keys], repository__in=visible(viewer).values("pk")
    )
    counts = {key: Counter[str]() for key in keys}
    for tag, type_ in tags.values_list("tag", "repository__type"):
        counts[tag.removeprefix("arxiv:")][type_] += 1
    return {key: _paper(key, counts[key]) for key in keys}


def _paper(key: str, of_type: Mapping[str, int]) -> Card:
    models, sets = of_type.get("model", 0), of_type.get("dataset", 0)
    facts = [
        ngettext("%(n)d model here", "%(n)d models here", models) % {"n": models} if models else "",
        ngettext("%(n)d data set here", "%(n)d data sets here", sets) % {"n": sets} if sets else "",
    ]
    return Card(
        title=f"arXiv:{key}",
        address=f"https://arxiv.org/abs/{key}",
        icon="book",
        kind=_("Paper"),
        facts=[fact for fact in facts if fact],
    )


_LOADERS: dict[str, CardLoader] = {
    "repository": _repositories,
    "thread": _threads,
    "post": _posts,
}
