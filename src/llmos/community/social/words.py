"""How feeds and profiles say what happened, why one sees it, and what somebody gave."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from markupsafe import Markup

from llmos.community.social.access import Seen
from llmos.community.social.models import About, Activity
from llmos.community.threads.addresses import post_address
from llmos.community.threads.models import Tag, Watch
from llmos.community.trust.models import Credit
from llmos.evaluation.models import Result
from llmos.evaluation.words import metric_word, number, task_word

Kind = Activity.Kind
MOST_REASONS = 2
# Reasons in the order in which they tell most.
_TELLING = (
    Watch.Kind.MEMBER,
    About.OWN,
    Watch.Kind.ORGANISATION,
    Watch.Kind.REPOSITORY,
    Watch.Kind.TASK,
    Watch.Kind.TAG,
    Watch.Kind.CATEGORY,
    About.LANGUAGE,
)


# Translated when they are shown: a page has twenty of them.
_ON_THREADS = {
    Kind.TOPIC: (gettext_noop("%(who)s began a topic"), "talk"),
    Kind.DISCUSSION: (gettext_noop("%(who)s began a discussion"), "chat"),
    Kind.ANSWER: (gettext_noop("%(who)s gave the answer that helped"), "check"),
    Kind.ARTICLE: (gettext_noop("%(who)s published an article"), "pen"),
    Kind.NOTE: (gettext_noop("%(who)s wrote a note"), "quote"),
}
_PROPOSED = (gettext_noop("%(who)s proposed a change"), "change")
_ON_REPOSITORIES: dict[tuple[str, str], str] = {
    (Kind.REPOSITORY, "model"): gettext_noop("%(who)s shared a model"),
    (Kind.REPOSITORY, "dataset"): gettext_noop("%(who)s shared a data set"),
    (Kind.REPOSITORY, "space"): gettext_noop("%(who)s shared a space"),
    (Kind.REPOSITORY, "kernel"): gettext_noop("%(who)s shared a kernel"),
    (Kind.VERSION, "model"): gettext_noop("%(who)s pushed a new version of a model"),
    (Kind.VERSION, "dataset"): gettext_noop("%(who)s pushed a new version of a data set"),
    (Kind.VERSION, "space"): gettext_noop("%(who)s pushed a new version of a space"),
    (Kind.VERSION, "kernel"): gettext_noop("%(who)s pushed a new version of a kernel"),
    (Kind.LIKE, "model"): gettext_noop("%(who)s likes a model"),
    (Kind.LIKE, "dataset"): gettext_noop("%(who)s likes a data set"),
    (Kind.LIKE, "space"): gettext_noop("%(who)s likes a space"),
    (Kind.LIKE, "kernel"): gettext_noop("%(who)s likes a kernel"),
}
_ON_MODELS: dict[str, str] = {
    Kind.TRAINED: gettext_noop("%(who)s trained a model here"),
    Kind.RESULT: gettext_noop("%(who)s measured a model"),
    Kind.MERGED: gettext_noop("A change by %(who)s was taken in"),
}

_ICONS: dict[str, str] = {Kind.LIKE: "heart", Kind.RESULT: "curve", Kind.MERGED: "merged"}


@dataclass(frozen=True, slots=True)
class Line:
    """An activity as lists and feeds tell it."""

    seen: Seen
    deed: str  # a sentence; `%(who)s` is who did it
    icon: str
    title: str
    address: str
    about: str = ""  # a second line
    is_own_words: bool = False  # the title is what a member wrote, in the activity's language

    @property
    def who(self) -> str:
        """The name under which the one who did it has a page, or empty."""
        if self.seen.actor is not None:
            return self.seen.actor.username
        return self.seen.namespace.name if self.seen.namespace is not None else ""

    @property
    def sentence(self) -> str:
        return self.deed % {"who": self.who or _("Somebody")}

    def linked(self) -> Markup:
        """The sentence with the name as a link."""
        if not self.who:
            return Markup.escape(self.sentence)
        link = Markup('<a href="/{who}">{who}</a>').format(who=self.who)
        return Markup.escape(self.deed) % {"who": link}


def line_of(seen: Seen) -> Line:
    if seen.thread is not None:
        return _of_thread(seen)
    repository = seen.repository
    assert repository is not None, seen.activity.key  # every other kind names one
    page, kind = f"/{repository}", seen.activity.kind
    deed = _(_ON_REPOSITORIES.get((kind, repository.type)) or _ON_MODELS[kind])
    text = seen.activity.text
    icon = _ICONS.get(kind, repository.type)
    if kind == Kind.MERGED:
        change = f"{page}/discussions/{seen.activity.number}"
        return Line(seen, deed, icon, text, change, repository.full_name, is_own_words=True)
    if kind == Kind.RESULT and seen.result is not None:
        about = _result_words(seen.result)
        return Line(seen, deed, icon, repository.full_name, seen.result.url, about)
    if kind == Kind.VERSION:
        address = f"{page}/commit/{seen.activity.commit}"
        return Line(seen, deed, icon, repository.full_name, address, text)
    if kind == Kind.TRAINED:
        address = f"/activities/{seen.activity.key.partition(':')[2]}"
        return Line(seen, deed, icon, repository.full_name, address, _("how it was made"))
    return Line(seen, deed, icon, repository.full_name, page, repository.description)


def reasons(seen: Seen, tags: dict[str, Tag], language: str) -> list[str]:
    """Why somebody sees it, the most telling first; `tags` are those of the page by id."""
    found = sorted(seen.why, key=lambda pair: _TELLING.index(pair[0]))
    words = (_reason(seen, kind, target, tags, language) for kind, target in found)
    return [one for one in words if one][:MOST_REASONS]


def kind_words() -> dict[str, str]:
    """What a feed can be limited to."""
    return {
        Kind.REPOSITORY: _("New repositories"),
        Kind.VERSION: _("New versions"),
        Kind.TRAINED: _("Trained here"),
        Kind.RESULT: _("Results"),
        Kind.MERGED: _("Changes taken in"),
        Kind.LIKE: _("Likes"),
        Kind.TOPIC: _("Topics"),
        Kind.DISCUSSION: _("Discussions"),
        Kind.ANSWER: _("Accepted answers"),
        Kind.ARTICLE: _("Articles"),
        Kind.NOTE: _("Notes"),
    }


def credit_words() -> dict[str, str]:
    """Contributions by kind, as a profile names them."""
    kinds = Credit.Kind
    return {
        kinds.MODEL: _("Models"),
        kinds.DATASET: _("Data sets"),
        kinds.REVIEW: _("Reviewed changes"),
        kinds.ANSWER: _("Accepted answers"),
        kinds.EVALUATION: _("Evaluations"),
        kinds.ARTICLE: _("Articles"),
        kinds.TASK: _("First tasks"),
    }


def tag_word(tag: Tag, language: str) -> str:
    return tag.title_zh if language.startswith("zh") and tag.title_zh else tag.title_en


def _of_thread(seen: Seen) -> Line:
    thread, kind = seen.thread, Kind(seen.activity.kind)
    assert thread is not None
    deed, icon = _ON_THREADS[kind]
    if kind == Kind.DISCUSSION and seen.activity.number is not None:
        deed, icon = _PROPOSED
    address = thread.address
    if kind == Kind.ANSWER and seen.post is not None:
        address = post_address(address, seen.post.number)
    about = seen.repository.full_name if seen.repository is not None else ""
    return Line(seen, _(deed), icon, thread.title, address, about, is_own_words=True)


def _result_words(result: Result) -> str:
    board = result.board.name if result.board is not None else result.data_name
    return f"{metric_word(result.metric)} {number(result.value)} · {board}"


def _reason(seen: Seen, kind: str, target: str, tags: dict[str, Tag], language: str) -> str:
    match kind:
        case Watch.Kind.MEMBER if seen.actor is not None:
            return _("because you follow %(name)s") % {"name": seen.actor.username}
        case Watch.Kind.ORGANISATION if seen.namespace is not None:
            return _("because you follow %(name)s") % {"name": seen.namespace.name}
        case Watch.Kind.REPOSITORY if seen.repository is not None:
            return _("because you follow %(name)s") % {"name": seen.repository.full_name}
        case Watch.Kind.TASK:
            return _("because you follow the task %(name)s") % {"name": task_word(target)}
        case Watch.Kind.TAG if target in tags:
            return _("because you follow the tag %(name)s") % {
                "name": tag_word(tags[target], language)
            }
        case Watch.Kind.CATEGORY:
            return _("because you follow its category in the forum")
        case About.LANGUAGE:
            return _("popular in your languages")
        case About.OWN:
            return _("because it is yours")
    return ""
