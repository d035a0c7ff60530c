"""What an engine refuses, in words for whoever asked it."""

from llmos.kit.errors import Invalid, Unprocessable
from llmos.kit.speaking import spoken as _


class CannotDo(Unprocessable):
    """The engine that runs this model has no such ability."""

    code = "NotSupportedByEngine"


class NoEngine(Unprocessable):
    """No engine here runs a model of this kind."""

    code = "NoEngine"


class PromptTooLong(Invalid):
    """The text is longer than the model can take in; the message counts both."""

    code = "context_length_exceeded"

    def __init__(self, tokens: int, most: int) -> None:
        super().__init__(
            _("The text has %(tokens)d tokens, but this model takes at most %(most)d; shorten it")
            % {"tokens": tokens, "most": most}
        )
