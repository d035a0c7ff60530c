"""What accounts tell rooms to their right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class NamespaceCreated(Event):
    """A member or an organisation is new."""

    namespace_id: int


@dataclass(frozen=True, slots=True)
class NamespaceChanged(Event):
    """Full name, picture or description of a member or an organisation is new."""

    namespace_id: int


@dataclass(frozen=True, slots=True)
class MembershipChanged(Event):
    """Somebody joined or left an organisation, or has another role; no role means left."""

    organisation_id: int
    user_id: int
    role: str


@dataclass(frozen=True, slots=True)
class MemberLeft(Event):
    """A member's account is gone; what she wrote stays without her name."""

    user_id: int
    namespace_id: int
    name: str
