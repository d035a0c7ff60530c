"""Refusals of threads and posts."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Conflict, Forbidden, NotFound


class ThreadNotFound(NotFound):
    """Unknown, removed, or about something that the viewer may not see: all look the same."""

    code = "ThreadNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such conversation, or it is not for you to see"))


class PostNotFound(NotFound):
    code = "PostNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such post, or it is not for you to see"))


class ThreadClosed(Forbidden):
    """A moderator has ended it: it takes no more posts."""

    code = "ThreadClosed"

    def __init__(self, title: str) -> None:
        super().__init__(
            _("“%(title)s” is closed and takes no more posts; begin a new one and link to it")
            % {"title": title}
        )


class NotYours(Forbidden):
    """Only its author and moderators change it."""

    code = "NotYours"

    def __init__(self) -> None:
        super().__init__(_("Only who wrote this and moderators may change it"))


class EditedMeanwhile(Conflict):
    """Somebody saved another text first. `data` has it, so that nothing is lost."""

    code = "EditedMeanwhile"


class TooManyDrafts(Conflict):
    code = "TooManyDrafts"

    def __init__(self, most: int) -> None:
        super().__init__(
            _("You have %(n)d drafts; finish or remove some on the page Drafts") % {"n": most}
        )


class AttachmentNotFound(NotFound):
    code = "AttachmentNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such file, or it is not for you to see"))
