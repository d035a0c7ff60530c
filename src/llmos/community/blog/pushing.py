"""Publishing by push: what the Markdown files on a repository's main branch become.

The files are the truth and the rows follow: whatever was pushed, in whatever order this hears of
it, the articles end as the newest files say. A file that is gone takes its article back; the
articles of a repository that not everybody may read are nobody's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import quote

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.models import User
from llmos.community.blog import actions
from llmos.community.blog.errors import BadArticle, OriginalMissing
from llmos.community.blog.events import FileRefused
from llmos.community.blog.files import (
    FOLDER,
    LONGEST_FILE,
    MOST_FILES,
    Written,
    is_article,
    read_article,
)
from llmos.community.blog.models import Article, Source, Trouble
from llmos.community.blog.queries import article_with
from llmos.community.blog.words import slug_from
from llmos.community.trust.errors import TooFast
from llmos.hub.errors import EntryNotFound
from llmos.hub.git import tree
from llmos.hub.git.tree import Entry
from llmos.hub.models import Repository, Visibility
from llmos.hub.pictures import Measure
from llmos.kit.errors import Refusal
from llmos.store.events import announce
from llmos.store.markup import LinkBase

_A_WHILE = 600  # seconds


def follow(repository: Repository, sha: str, *, user: User | None) -> int:
    """Make the articles those of a commit; seconds until some must be tried again, or 0.

    Each file is a transaction of its own: one that cannot be an article stops no other.
    """
    rows = Source.objects.filter(repository=repository).select_related("article__thread__author")
    sources = {row.path: row for row in rows}
    if not _is_open(repository):
        _withdraw(sources.values())
        return 0
    files = {entry.path: entry for entry in _files(repository, sha)}
    _withdraw(row for path, row in sources.items() if path not in files)
    if len(files) > MOST_FILES:
        text = _("The folder has over %(n)d Markdown files: data rather than a blog")
        _refuse(repository, sha, FOLDER, text % {"n": MOST_FILES}, user)
        return 0
    Trouble.objects.filter(repository=repository).exclude(path__in=files).delete()
    push = _Push(repository, sha, user)
    early = push.take(files.values())
    # Two files of one push may be translations of each other, so that neither could come first:
    # both are drafts for a moment, then each finds the other.
    push.take(early, alone=True)
    for entry, refusal in push.take(early).items():
        _refuse(repository, sha, entry.path, refusal.message, user)
    return push.wait


@dataclass
class _Push:
    """Files of one commit on their way to be articles; `wait` says when to try the rest again."""

    repository: Repository
    sha: str
    user: User | None
    wait: int = 0  # seconds

    def take(
        self, entries: Iterable[Entry], *, alone: bool = False
    ) -> dict[Entry, OriginalMissing]:
        """Make articles of files; those are left whose originals are not there.

        `alone` makes a draft of each, without what it is a translation of.
        """
        left: dict[Entry, OriginalMissing] = {}
        for entry in entries:
            path = entry.path
            try:
                _follow_file(self.repository, self.sha, entry, self.user, alone=alone)
                Trouble.objects.filter(repository=self.repository, path=path).delete()
            except OriginalMissing as refusal:
                left[entry] = refusal
            except TooFast as refusal:
                self.wait = max(self.wait, int(refusal.headers.get("Retry-After", _A_WHILE)))
            except Refusal as refusal:
                _refuse(self.repository, self.sha, path, refusal.message, self.user)
        return left


def _is_open(repository: Repository) -> bool:
    """Whether everybody may read its files, so that an article tells no secret."""
    return (
        repository.visibility == Visibility.PUBLIC
        and not repository.gated
        and not repository.disabled
    )


def _files(repository: Repository, sha: str) -> list[Entry]:
    try:
        page = tree.entries(repository.pk, sha, FOLDER, limit=10 * MOST_FILES)
    except EntryNotFound:
        return []
    return [entry for entry in page.entries if entry.type == "file" and is_article(entry.path)]


def _withdraw(sources: Iterable[Source]) -> None:
    for source in sources:
        if source.article.thread.published_at is not None:
            actions.withdraw(source.article)


@transaction.atomic
def _follow_file(
    repository: Repository, sha: str, entry: Entry, user: User | None, *, alone: bool
) -> None:
    """Raises what is wrong with the file."""
    rows = Source.objects.select_related("article__thread__author")
    source = rows.filter(repository=repository, path=entry.path).first()
    same = source is not None and source.blob == entry.oid
    if source is not None and same and source.article.thread.published_at is not None:
        return
    content = tree.read_file(repository.pk, sha, entry.path, limit=LONGEST_FILE)
    if content is None:
        raise BadArticle(_("The file is too large for an article"))
    written = read_article(content, entry.path, _pictures(repository, sha, entry.path))
    if written is None:
        if source is not None:
            _withdraw([source])
        return
    if alone:
        written = replace(written, words=replace(written.words, translates=""), is_draft=True)
    source = source or _moved(repository, sha, written)
    viewer = viewer_of_user(_writer(repository, source, user))
    links = _links(repository, sha, entry.path)
    if source is None:
        article = actions.write_article(
            viewer,
            blog=repository.namespace,
            words=written.words,
            repository=repository,
            links=links,
        )
        source = Source(article=article, repository=repository)
    else:
        article = article_with(source.article_id)
        if not same or written.words.translates:
            actions.rewrite(viewer, article=article, words=written.words, links=links)
    if not same:
        source.path, source.commit, source.blob = entry.path, sha, entry.oid
        source.save()
    _invite(viewer, article, written)
    _publish(viewer, article, written)


def _writer(repository: Repository, source: Source | None, user: User | None) -> User:
    """Who pushed; where nobody did, as when a repository becomes public, whose it is.

    Raises BadArticle.
    """
    found = user or (source.article.thread.author if source else None) or repository.created_by
    if found is None or not found.is_active:
        raise BadArticle(_("Nobody who is still here pushed it; push it again"))
    return found


def _moved(repository: Repository, sha: str, written: Written) -> Source | None:
    """The article of a file that has another name now, known by its address."""
    found = Source.objects.filter(
        repository=repository,
        article__slug=slug_from(written.words.slug),
        article__blog=repository.namespace,
    ).first()
    if found is None or tree.entries_at(repository.pk, sha, [found.path]):
        return None
    return found


def _publish(viewer: Viewer, article: Article, written: Written) -> None:
    article = article_with(article.pk)
    at = article.thread.published_at
    if written.is_draft:
        if at is not None:
            actions.withdraw(article)
    elif article.announced_at is not None:
        if at is None:
            actions.release(viewer, article=article)
    elif at is None or (written.publish_at is not None and at != written.publish_at):
        actions.release(viewer, article=article, at=written.publish_at)


def _invite(viewer: Viewer, article: Article, written: Written) -> None:
    """Members whom the file names as authors; whoever pushed it is one already."""
    known = {row.user.username.casefold() for row in article.coauthors.select_related("user")}
    author = article.thread.author
    known |= {viewer.name.casefold(), author.username.casefold() if author else ""}
    for name in written.authors:
        if name.lstrip("@").casefold() not in known:
            actions.invite(viewer, article=article, name=name)


def _refuse(repository: Repository, sha: str, path: str, message: str, user: User | None) -> None:
    """Say it once for each text of the file, to who pushed it."""
    with transaction.atomic():
        told = Trouble.objects.filter(repository=repository, path=path, message=message)
        if told.exists():
            return
        Trouble.objects.update_or_create(
            repository=repository,
            path=path,
            defaults={"commit": sha, "message": message, "user": user},
        )
        user_id = user.pk if user else None
        announce(
            FileRefused(repository_id=repository.pk, path=path, message=message, user_id=user_id)
        )


def _links(repository: Repository, sha: str, path: str) -> LinkBase:
    base = f"/{repository.kind.prefix}{quote(repository.full_name)}"
    folder = quote(str(PurePosixPath(path).parent))
    pages, raw = f"{base}/blob/{sha}/", f"{base}/resolve/{sha}/"
    return LinkBase(
        pages=f"{pages}{folder}/",
        raw=f"{raw}{folder}/",
        top_pages=pages,
        top_raw=raw,
        measure=Measure(repository.pk, sha, raw),
    )


class _pictures:  # noqa: N801  # a function that remembers three things
    """From a cover as the file names it to its address at the commit. Raises BadArticle."""

    def __init__(self, repository: Repository, sha: str, path: str) -> None:
        self._repository, self._sha, self._path = repository, sha, path

    def __call__(self, cover: str) -> str:
        folder = [] if cover.startswith("/") else list(PurePosixPath(self._path).parent.parts)
        for step in PurePosixPath(cover.lstrip("/")).parts:
            if step == "..":
                del folder[-1:]
            elif step != ".":
                folder.append(step)
        path = "/".join(folder)
        found = tree.entries_at(self._repository.pk, self._sha, [path])
        if not found or found[0].type != "file":
            raise BadArticle(_("The cover %(path)s is not in the repository") % {"path": path})
        base = f"/{self._repository.kind.prefix}{quote(self._repository.full_name)}"
        return f"{base}/resolve/{self._sha}/{quote(path)}"
