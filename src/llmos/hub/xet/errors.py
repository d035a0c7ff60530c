"""Refusals of Xet storage. Clients take a 4xx as final and show its sentence."""

from llmos.kit.errors import Forbidden, Invalid, NotFound, Refusal


class UnknownXorb(Invalid):
    """A shard refers to a block that is not here."""

    code = "XorbNotFound"

    def __init__(self, xorb: str) -> None:
        super().__init__(
            f"unknown xorb {xorb}: it was not uploaded, or has been removed here. "
            "Remove the xet folder of your Hugging Face cache, then upload again"
        )


class FalseShard(Invalid):
    """A shard claims something about a file that the stored chunks do not bear out."""

    code = "ShardMismatch"


class UnknownFile(NotFound):
    """No such file, or none that this token's repository holds."""

    code = "FileNotFound"

    def __init__(self) -> None:
        super().__init__("No such file in this token's repository")


class WrongScope(Forbidden):
    pass


class ContentDamaged(Refusal):
    """Stored bytes are not what was verified when they came."""

    status = 500
    code = "ContentDamaged"
