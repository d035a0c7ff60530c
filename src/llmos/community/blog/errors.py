"""Refusals of the blog."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Conflict, Forbidden, Invalid, NotFound


class BlogNotFound(NotFound):
    code = "BlogNotFound"

    def __init__(self) -> None:
        super().__init__(_("Nobody has this name"))


class ArticleNotFound(NotFound):
    """Unknown, a draft of somebody else, or from a repository that the viewer may not see."""

    code = "ArticleNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such article, or it is not for you to see"))


class SeriesNotFound(NotFound):
    code = "SeriesNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such series, or nothing of it is published yet"))


class SlugTaken(Conflict):
    code = "SlugTaken"

    def __init__(self, slug: str) -> None:
        super().__init__(
            _("This blog has an article at the address “%(slug)s”; choose another one")
            % {"slug": slug}
        )


class OriginalMissing(Invalid):
    """What it says it is a translation of is not there, or not its author's."""

    code = "OriginalMissing"

    def __init__(self, address: str) -> None:
        super().__init__(
            _("%(address)s is no article of yours that this one can be a translation of")
            % {"address": address[:200]}
        )


class NotYourBlog(Forbidden):
    """Writing in an organisation's name needs the role of a contributor there."""

    code = "NotYourBlog"

    def __init__(self, name: str) -> None:
        super().__init__(
            _("You may not write in the name of %(name)s; its administrators give the right")
            % {"name": name}
        )


class NotYourArticle(Forbidden):
    code = "NotYourArticle"

    def __init__(self) -> None:
        super().__init__(_("Only its authors may do this to an article"))


class KeptInRepository(Forbidden):
    """The text is a file in a repository: a change here would be lost with the next push."""

    code = "KeptInRepository"

    def __init__(self, path: str, repository: str) -> None:
        super().__init__(
            _("This article is the file %(path)s of %(repository)s: edit it there and push")
            % {"path": path, "repository": repository}
        )


class BadArticle(Invalid):
    """A file that wants to be an article and cannot: the message says what to mend."""

    code = "BadArticle"
