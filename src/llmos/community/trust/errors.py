"""Refusals that follow from how far a member is trusted."""

from llmos.kit.errors import Busy, Forbidden


class NotTrustedYet(Forbidden):
    """New members may do less; the message says what, and what brings the right."""

    code = "NotTrustedYet"


class Silenced(Forbidden):
    """A moderator took the right to write away for a time; the message says why and until when."""

    code = "Silenced"


class KeptAway(Forbidden):
    """The other member does not want this one near."""

    code = "KeptAway"


class TooFast(Busy):
    """More in a short time than somebody of this level may write; `Retry-After` says when."""

    code = "TooFast"
