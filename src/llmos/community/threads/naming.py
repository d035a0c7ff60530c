"""What names and addresses in a text stand for: members, tags, and things of this hub.

All of a text's names are looked up at once, and nothing here asks who may see them: what comes
of it is stored, and is asked for access whenever it is shown.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote, urlsplit

from django.db.models import Q
from django.utils.text import slugify

from llmos.accounts.models import Namespace
from llmos.accounts.names import ROUTES
from llmos.community.threads.additions import card_kinds
from llmos.community.threads.models import Post, Reference, TagAlias, Thread
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.kit.config import current
from llmos.kit.text import fold
from llmos.store.config import ServerSettings

MOST_PATHS = 200  # different addresses of one text that are looked up


@dataclass(frozen=True, slots=True)
class Named:
    """A member, or an organisation when it has no user."""

    name: str
    user_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """What an address leads to: the card that it may become, and the row that it refers to."""

    card: str  # kind:key
    reference: tuple[str, int] | None = None


def members_named(words: Collection[str]) -> dict[str, Named]:
    """The existing ones of some names, by their spelling in the text without dots at its end."""
    if not words:
        return {}
    spelled = {form for word in words for form in (word, word.rstrip("._-"))}
    rows = Namespace.objects.filter(key__in={form.casefold() for form in spelled}).exclude(
        user__is_active=False
    )
    known = {key: Named(name, user) for key, name, user in rows.values_list("key", "name", "user")}
    return {form: known[form.casefold()] for form in spelled if form.casefold() in known}


def longest_known(word: str, names: Mapping[str, Named]) -> str | None:
    """The part of a word that is a name: `ada` of `@ada.` at the end of a sentence."""
    bare = word.rstrip("._-")
    return word if word in names else bare if bare in names else None


def tags_spelled(words: Collection[str]) -> dict[str, str]:
    """Tags as addresses spell them, by their spelling in the text; numbers are none."""
    folded = {word: fold(word) for word in words if not word.strip("-_").isdigit()}
    if not folded:
        return {}
    aliases = dict(
        TagAlias.objects.filter(alias__in=folded.values()).values_list("alias", "tag__name")
    )
    found = {
        word: aliases.get(spelled) or slugify(spelled, allow_unicode=True)
        for word, spelled in folded.items()
    }
    return {word: name for word, name in found.items() if name}


def path_here(address: str) -> str:
    """The path of an address on this hub, fragment and all; "" for one that leads away."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.netloc and parts.netloc.lower() not in _own_hosts():
        return ""
    if parts.scheme not in {"", "http", "https"} or not parts.path.startswith("/"):
        return ""
    return unquote(parts.path).rstrip("/") + (f"#{parts.fragment}" if parts.fragment else "")


def place_of(address: str) -> str:
    """What an address names: a path of this hub, or `arxiv:1706.03762`; "" for other places."""
    paper = _PAPER.fullmatch(address)
    return f"arxiv:{paper[1]}" if paper else path_here(address)


def leads_away(address: str) -> bool:
    return not address.startswith(("/", "#")) and not path_here(address)


def located(paths: Iterable[str]) -> dict[str, Found]:
    """The things of this hub behind paths, for the ones that exist."""
    wanted = list(dict.fromkeys(path for path in paths if path))[:MOST_PATHS]
    found: dict[str, Found] = {}
    for locate in (_posts, _threads, _repositories, _others):
        found |= locate([path for path in wanted if path not in found])
    return found


_PAPER = re.compile(
    r"https?://(?:www\.)?arxiv\.org/(?:abs|pdf|html)/(\d{4}\.\d{4,5})(?:v\d+)?(?:\.pdf)?/?"
)
_POST = re.compile(r"/posts/(\d{1,15})")
_NUMBERED = re.compile(r"/(?:t|notes)/(\d{1,15})(?:/[^/#]*)?(?:/(\d{1,8})|#post-(\d{1,8}))")
_THREAD = re.compile(r"/(?:t|notes)/(\d{1,15})(?:/[^/#]*)?(?:#.*)?")
_REPOSITORY = re.compile(r"/(?:(datasets|spaces|kernels)/)?([\w.-]+)/([\w.-]+)")


def _posts(paths: list[str]) -> dict[str, Found]:
    by_id = {path: int(match[1]) for path in paths if (match := _POST.fullmatch(path))}
    by_place = {
        path: (int(match[1]), int(match[2] or match[3]))
        for path in paths
        if (match := _NUMBERED.fullmatch(path))
    }
    if not by_id and not by_place:
        return {}
    places = Q()
    for thread_id, number in by_place.values():
        places |= Q(thread_id=thread_id, number=number)
    asked = Q(pk__in=by_id.values())
    rows = Post.objects.filter(asked | places if by_place else asked)
    known = {
        pk: (thread, number) for pk, thread, number in rows.values_list("pk", "thread_id", "number")
    }
    numbered = {place: pk for pk, place in known.items()}
    ids = by_id | {path: numbered[place] for path, place in by_place.items() if place in numbered}
    return {
        path: _found("post", pk, Reference.Kind.POST) for path, pk in ids.items() if pk in known
    }


def _threads(paths: list[str]) -> dict[str, Found]:
    """By number where the address has one; articles and discussions by the address itself."""
    by_id = {path: int(match[1]) for path in paths if (match := _THREAD.fullmatch(path))}
    bare = {path: path.partition("#")[0] for path in paths if path not in by_id}
    named = {path: one for path, one in bare.items() if one.count("/") > 2}
    if not by_id and not named:
        return {}
    rows = Thread.objects.filter(Q(pk__in=by_id.values()) | Q(address__in=named.values()))
    known = {address: pk for pk, address in rows.values_list("pk", "address")}
    ids = {path: pk for path, pk in by_id.items() if pk in known.values()}
    ids |= {path: known[one] for path, one in named.items() if one in known}
    return {path: _found("thread", pk, Reference.Kind.THREAD) for path, pk in ids.items()}


def _repositories(paths: list[str]) -> dict[str, Found]:
    types = {kind.prefix.rstrip("/"): kind.name for kind in KINDS.values()}
    wanted = {
        path: (types[match[1] or ""], f"{match[2]}/{match[3]}".casefold())
        for path in paths
        if (match := _REPOSITORY.fullmatch(path)) and match[2].casefold() not in ROUTES
    }
    if not wanted:
        return {}
    rows = Repository.objects.filter(key__in={key for _type, key in wanted.values()})
    known = {(type_, key): pk for pk, type_, key in rows.values_list("pk", "type", "key")}
    return {
        path: _found("repository", known[name], Reference.Kind.REPOSITORY)
        for path, name in wanted.items()
        if name in known
    }


def _others(paths: list[str]) -> dict[str, Found]:
    """Kinds of things that are known by their addresses alone."""
    return {
        path: Found(f"{kind.name}:{match['key']}")
        for path in paths
        for kind in card_kinds().values()
        if (match := re.fullmatch(kind.pattern, path))
    }


def _found(kind: str, pk: int, reference: str) -> Found:
    return Found(f"{kind}:{pk}", (str(reference), pk))


@cache
def _own_hosts() -> frozenset[str]:
    """Under which names this hub is reached: the configured one, else this machine's."""
    server = current(ServerSettings)
    if server.public_url:
        return frozenset({urlsplit(server.public_url).netloc.lower()})
    names = (server.host, "localhost", "127.0.0.1", "[::1]")
    return frozenset(f"{name}:{server.port}" for name in names)
