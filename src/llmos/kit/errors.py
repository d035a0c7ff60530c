"""Refusals: what the house answers when it will not do a thing.

A refusal knows its HTTP status, the stable code that clients read from
`X-Error-Code`, and a sentence for a person: what happened, where, what to do.
It knows nothing of HTTP libraries; the door turns it into a response.
"""

import re
from typing import Any
from urllib.parse import quote


class Refusal(Exception):
    """A request that is answered with a clear no; never a bug.

    `data` is merged into the JSON body, `headers` into the response headers.
    """

    status = 400
    code = "BadRequest"

    def __init__(
        self,
        message: str,
        *,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.data = data or {}
        self.headers = headers or {}


class Invalid(Refusal):
    """The request itself is wrong: a field is missing, malformed or out of range."""


class Moved(Refusal):
    """The thing answers under another name now; whoever holds the request adds where."""

    status = 307
    code = "Moved"

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"{old} is called {new} now")
        self.old, self.new = old, new

    def location(self, raw_path: str) -> str:
        """The same still encoded path and query, with the new name in the old one's place."""
        old = r"(?i)(?<=/)" + re.escape(quote(self.old)) + r"(?=/|\?|$|\.git(?:/|\?|$))"
        return re.sub(old, lambda _: quote(self.new), raw_path, count=1)


class Unauthenticated(Refusal):
    """No credentials, or credentials that mean nothing here."""

    status = 401
    code = "Unauthorized"


class Forbidden(Refusal):
    """The viewer may see the thing but may not do this to it."""

    status = 403
    code = "Forbidden"


class NotFound(Refusal):
    """Nothing by that name, or nothing the viewer may know of."""

    status = 404
    code = "NotFound"


class Conflict(Refusal):
    """The name is taken, or another change got there first."""

    status = 409
    code = "Conflict"


class TooLarge(Refusal):
    """The body or the file is over a limit that the message names."""

    status = 413
    code = "PayloadTooLarge"


class Unprocessable(Refusal):
    """Well-formed, but it asks for something that cannot be stored."""

    status = 422
    code = "UnprocessableEntity"


class Busy(Refusal):
    """Too much at once; `Retry-After` says when to come back."""

    status = 429
    code = "TooManyRequests"


class OutOfSpace(Refusal):
    """The disk is full; nothing was kept of this request."""

    status = 507
    code = "InsufficientStorage"


class Broken(Refusal):
    """A fault of ours; the log has its cause."""

    status = 500
    code = "InternalError"
