"""Reading for the form: what one may learn from, what one may start from, names still free."""

from dataclasses import dataclass, field

from llmos.accounts.access import Viewer
from llmos.hub.facts.cards import read_card
from llmos.hub.git.tree import read_file
from llmos.hub.kinds import KINDS
from llmos.hub.listing import Wish
from llmos.hub.models import Repository
from llmos.hub.preview import CARD, Preview, preview_of
from llmos.hub.queries import repositories
from llmos.training.access import Pinned, pinned
from llmos.training.guesses import Column, columns_of

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Data:
    """A data set at a commit as the form shows it."""

    pinned: Pinned
    preview: Preview
    columns: list[Column] = field(default_factory=list)

    @property
    def is_private(self) -> bool:
        return self.pinned.repository.is_private

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def splits(self) -> list[str]:
        return [split.name for split in self.preview.splits]


def data_at(viewer: Viewer, written: str) -> Data:
    """Raises what `pinned` raises."""
    found = pinned(viewer, "dataset", written)
    preview = preview_of(found.repository, found.commit)
    return Data(found, preview, columns_of(preview, _card_languages(found)))


def data_sets(viewer: Viewer, text: str) -> list[Repository]:
    """Data sets that fit a text; without one the viewer's own newest, then what others use."""
    return _found(viewer, "dataset", text, [{}])


def base_models(viewer: Viewer, text: str) -> list[Repository]:
    """Models that go on with a text, which is what can be taught further."""
    return _found(viewer, "model", text, [{"pipeline_tag": "text-generation"}, {"tags": ("gguf",)}])


def free_name(namespace: str, name: str) -> str:
    """The name itself, or with the first number behind it that no model there has."""
    taken = set(
        Repository.objects.filter(
            type="model", key__startswith=f"{namespace}/{name}".casefold()
        ).values_list("key", flat=True)
    )
    for number in range(1, len(taken) + 2):
        tried = name if number == 1 else f"{name}-{number}"
        if f"{namespace}/{tried}".casefold() not in taken:
            return tried
    return name


def _found(viewer: Viewer, kind: str, text: str, ways: list[dict[str, object]]) -> list[Repository]:
    text = text.partition("@")[0].strip().removeprefix(KINDS[kind].prefix)[:200]
    wishes = []
    for way in ways:
        if text:
            wishes.append(Wish(search=(text,), limit=SHOWN, **way))  # type: ignore[arg-type]
            continue
        wishes.append(Wish(author=viewer.name, order="lastModified", limit=SHOWN, **way))  # type: ignore[arg-type]
        wishes.append(Wish(limit=SHOWN, **way))  # type: ignore[arg-type]
    found: dict[int, Repository] = {}
    for wish in wishes:
        for repository in repositories(viewer, KINDS[kind], wish).repositories:
            found.setdefault(repository.pk, repository)
    return list(found.values())[:SHOWN]


def _card_languages(at: Pinned) -> list[str]:
    content = read_file(at.repository.pk, at.commit, CARD)
    front = read_card(content.decode("utf-8", "replace")).front if content else {}
    said = front.get("language") or []
    return [str(one) for one in (said if isinstance(said, list) else [said])]
