"""What authors say of origins in their cards: claims, shown beside what the platform recorded."""

from collections.abc import Iterable
from dataclasses import dataclass

from llmos.accounts.access import Viewer
from llmos.hub.facts.tags import listed
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.hub.queries import visible

MOST = 20


@dataclass(frozen=True, slots=True)
class Claim:
    """`url` is empty where no such repository is here, or the viewer may not know it."""

    kind: str
    name: str
    url: str = ""


def claimed_sources(
    viewer: Viewer, repository: Repository, recorded: Iterable[str] = ()
) -> list[Claim]:
    """The models and data sets that its card names, less those whose part was recorded."""
    card = repository.card if isinstance(repository.card, dict) else {}
    known = {name.casefold() for name in recorded}
    named = [
        (kind, name)
        for kind, key in (
            ("model", "base_model"),
            ("dataset", "datasets"),
            ("dataset", "source_datasets"),
        )
        for name in listed(card.get(key))
        if name.casefold() not in known and name not in {"original", "extended"}
    ][:MOST]
    if not named:
        return []
    here = visible(viewer).filter(key__in={name.casefold() for _, name in named})
    urls = {(one.type, one.key): _url(one) for one in here.only("type", "key", "full_name")}
    return [Claim(kind, name, urls.get((kind, name.casefold()), "")) for kind, name in named]


def claimed_uses(
    viewer: Viewer, repository: Repository, recorded: Iterable[str] = ()
) -> list[Claim]:
    """Repositories whose cards say that they come from this one, newest first."""
    word = {"model": "base_model", "dataset": "dataset"}.get(repository.type)
    if word is None:
        return []
    known = {name.casefold() for name in recorded}
    found = visible(viewer).filter(tag_rows__tag=f"{word}:{repository.full_name}")
    found = found.exclude(pk=repository.pk).order_by("-updated_at", "-id")
    claims = (Claim(one.type, one.full_name, _url(one)) for one in found[: MOST + len(known)])
    return [one for one in claims if one.name.casefold() not in known][:MOST]


def _url(repository: Repository) -> str:
    return f"/{KINDS[repository.type].prefix}{repository.full_name}"
