"""The four repository types; one code path serves them all, this table is the whole difference."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from llmos.kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Kind:
    name: str  # as stored and as JSON bodies spell it: "model"
    plural: str  # as API paths spell it: "models"
    prefix: str  # before `ns/name` in page, resolve and git addresses: "" or "datasets/"

    @property
    def word(self) -> str:
        """As a sentence says it, in the page's language; in English as `name`."""
        words = {
            "model": _("model"),
            "dataset": _("dataset"),
            "space": _("space"),
            "kernel": _("kernel"),
        }
        return words[self.name]


KINDS = {
    kind.name: kind
    for kind in (
        Kind("model", "models", ""),
        Kind("dataset", "datasets", "datasets/"),
        Kind("space", "spaces", "spaces/"),
        Kind("kernel", "kernels", "kernels/"),
    )
}
BY_PLURAL = {kind.plural: kind for kind in KINDS.values()}


def kind_named(name: str | None) -> Kind:
    """A kind from a JSON body; absent means model. Raises Invalid."""
    found = KINDS.get(name or "model")
    if found is None:
        raise Invalid(f"Unknown repository type {name!r}; expected one of {', '.join(KINDS)}")
    return found
