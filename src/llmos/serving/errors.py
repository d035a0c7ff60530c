"""Refusals of models in use: what is wrong, and when to come back."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Busy, Forbidden, Invalid, NotFound, Refusal, Unauthenticated


class ModelUnknown(NotFound):
    """The request names no model, or not in the form `namespace/name`."""

    code = "model_not_found"


class TaskUnknown(Invalid):
    """The model is for another task than the address says."""

    code = "TaskNotSupported"


class SignInToUse(Unauthenticated):
    """This hub runs models for members only."""

    code = "SignInToUse"


class ServingIsOff(Forbidden):
    """This hub runs no models."""

    code = "ServingIsOff"


class BadField(Invalid):
    """A field of the request is missing, malformed or asks for what no engine here does."""

    code = "invalid_value"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, data={"param": field})


class EngineRefused(Invalid):
    """The engine itself says that the request is wrong; its words and its code."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class EngineBusy(Busy):
    """The engine's queue is full, or its turn did not come in time."""

    code = "engine_busy"

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(message, headers={"Retry-After": str(seconds)})


class TooManyRequests(EngineBusy):
    """This member asks more at once, or in a minute, than the hub gives to one."""

    code = "rate_limit_exceeded"


class NoRoom(Refusal):
    """The memory is taken by engines that work; nothing can be unloaded."""

    status = 503
    code = "NotEnoughMemory"


class EngineFailed(Refusal):
    """The engine ended or does not answer; the next request starts a new one."""

    status = 503
    code = "EngineFailed"

    def __init__(self, message: str) -> None:
        super().__init__(message, headers={"Retry-After": "2"})


class EngineSilent(Refusal):
    """The engine did not answer in time."""

    status = 504
    code = "EngineTimeout"


class ConversationNotFound(NotFound):
    """Missing, or somebody else's: both look the same."""

    code = "ConversationNotFound"

    def __init__(self) -> None:
        super().__init__(_("Conversation not found"))
