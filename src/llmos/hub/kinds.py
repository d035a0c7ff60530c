"""The four repository types; one code path serves them all, this table is the whole difference."""

from dataclasses import dataclass

from llmos.kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Kind:
    name: str  # as stored and as JSON bodies spell it: "model"
    plural: str  # as API paths spell it: "models"
    prefix: str  # before `ns/name` in page, resolve and git addresses: "" or "datasets/"


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
