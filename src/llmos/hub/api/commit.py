"""Commits from clients: what to upload how, and the commit itself, streamed line by line."""

import base64
import binascii
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.hub.access import rights_of
from llmos.hub.actions import open_change_request, record_push
from llmos.hub.errors import BranchMoved, RevisionNotFound
from llmos.hub.git import refs, signoff, tree
from llmos.hub.git.draft import Draft, Landed
from llmos.hub.git.intake import (
    Change,
    Copy,
    Header,
    Lines,
    PutFile,
    PutLarge,
    Remove,
    read_line,
)
from llmos.hub.git.large import committed_sizes
from llmos.hub.git.rules import Announced, place_files
from llmos.hub.models import ChangeRequest, Repository
from llmos.hub.routing import API, repository_of
from llmos.kit.errors import Forbidden, Invalid, Refusal, Unprocessable
from llmos.store.http import base_url, blocking, drain, endpoint, flag, json_of, reply
from llmos.store.threads import in_thread
from llmos.wire.lfs import Pointer

# One hop to the pool for so many bytes of body: small lines come by the thousand.
BATCH = 2**18
MOST_ANNOUNCED = 1000


@blocking
def preupload(request: Request, body: bytes) -> Response:
    """Which files are large, which are ignored, and which are there already."""
    repository = _writable(viewer_of(request), request, proposing=flag(request, "create_pr"))
    sha = refs.resolve(repository.pk, request.path_params["rev"])
    asked = json_of(body)
    git_ignore = asked.get("gitIgnore")
    if git_ignore is not None and not isinstance(git_ignore, str):
        raise Invalid("gitIgnore must be the text of a .gitignore")
    placed = place_files(repository.pk, sha, _announced(asked), git_ignore=git_ignore)
    files = [
        {"path": p.path, "uploadMode": p.mode, "shouldIgnore": p.ignored, "oid": p.oid}
        for p in placed
    ]
    return reply({"files": files, "commitOid": sha})


@endpoint
async def commit(request: Request) -> Response:
    """Take a commit as it streams in; nothing of it is seen before all of it is kept."""
    intake = _Intake(request)
    try:
        await in_thread(intake.begin)
        batch = bytearray()
        async for part in request.stream():
            batch += part
            if len(batch) >= BATCH:
                await in_thread(intake.feed, bytes(batch))
                batch.clear()
        return await in_thread(intake.finish, bytes(batch))
    except Refusal:
        await drain(request)
        raise
    finally:
        await in_thread(intake.discard)


class _Intake:
    """One commit request, step by step; each step runs in some thread of the pool."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.viewer: Viewer
        self.repository: Repository
        self.proposing = flag(request, "create_pr")
        self._lines = Lines()
        self._header: Header | None = None
        self._draft: Draft | None = None

    def begin(self) -> None:
        """Raises what refuses this member or this branch, before any byte is read."""
        self.viewer = viewer_of(self.request)
        rev = self.request.path_params["rev"]
        self.repository = _writable(self.viewer, self.request, proposing=self.proposing)
        self._ref = refs.writable_ref(rev)
        head = refs.read_ref(self.repository.pk, self._ref)
        if head is None:
            raise RevisionNotFound(rev)
        self._head = head

    def feed(self, batch: bytes) -> None:
        self._take([found for line in self._lines.feed(batch) if (found := read_line(line))])

    def finish(self, batch: bytes) -> Response:
        self.feed(batch)
        self._take([found for line in self._lines.end() if (found := read_line(line))])
        if self._draft is None or self._header is None:
            raise Invalid("A commit begins with its header line")
        if self.proposing:
            return self._propose(self._draft, self._header)
        retry = self._header.parent is None
        landed = self._draft.land(self._ref, old=self._head, retry=retry)
        return self._recorded(landed, {})

    def discard(self) -> None:
        self._lines.close()
        if self._draft is not None:
            self._draft.discard()

    def _take(self, found: list[Header | Change]) -> None:
        sizes = self._sizes([c for c in found if isinstance(c, PutLarge)])
        for item in found:
            if isinstance(item, Header):
                self._start(item)
                continue
            if self._draft is None:
                raise Invalid("A commit begins with its header line")
            self._apply(self._draft, item, sizes)

    def _start(self, header: Header) -> None:
        if self._header is not None:
            raise Invalid("A commit has one header line")
        base = self._head
        if header.parent is not None and self.proposing:
            base = refs.resolve(self.repository.pk, header.parent)
        elif header.parent is not None and not _names(header.parent, self._head):
            raise BranchMoved
        if not self.proposing and signoff.must_sign(self.repository.sign_off, self._ref):
            message = f"{header.summary}\n\n{header.description}"
            signoff.check_message(message=message, name=self.viewer.name)
        self._header = header
        self._draft = Draft(self.repository.pk, base)
        self._draft.describe(
            summary=header.summary, description=header.description, author=self.viewer.name
        )

    def _apply(self, draft: Draft, change: Change, sizes: dict[str, int]) -> None:
        if isinstance(change, PutFile):
            if isinstance(change.content, bytes):
                draft.write(change.path, change.content)
            else:
                with change.content as content:
                    draft.write(change.path, content, change.size)
        elif isinstance(change, PutLarge):
            size = sizes[change.sha256]
            if change.size is not None and change.size != size:
                raise Invalid(
                    f"'{change.path[:200]}' is said to have {change.size} bytes, but the content "
                    f"{change.sha256} has {size}"
                )
            draft.point(change.path, Pointer(change.sha256, size))
        elif isinstance(change, Remove):
            draft.remove(change.path)
        else:
            self._copy(draft, change)

    def _copy(self, draft: Draft, change: Copy) -> None:
        sha = refs.resolve(self.repository.pk, change.revision) if change.revision else draft.base
        entry = tree.entry_at(self.repository.pk, sha, change.source)
        if entry.type != "file":
            raise Unprocessable(f"'{change.source[:200]}' is a folder; copy its files one by one")
        draft.copy(change.path, entry.oid)

    def _sizes(self, large: list[PutLarge]) -> dict[str, int]:
        if not large:
            return {}
        return committed_sizes(self.repository, self.viewer, {c.sha256: c.path for c in large})

    def _propose(self, draft: Draft, header: Header) -> Response:
        assert self.viewer.user_id is not None  # `contribute` needs a member
        change = open_change_request(
            repository=self.repository,
            author_id=self.viewer.user_id,
            title=header.summary[:300] or "Update files",
            description=header.description,
            base=draft.base,
        )
        landed = draft.land(f"refs/pr/{change.number}", old=None, retry=False)
        page = f"{base_url(self.request)}/{self.repository}/discussions/{change.number}"
        return self._recorded(landed, {"pullRequestUrl": page})

    def _recorded(self, landed: Landed, more: dict[str, Any]) -> Response:
        record_push(
            repository=self.repository,
            ref=landed.ref,
            old=landed.old or refs.NOTHING,
            new=landed.new,
            user_id=self.viewer.user_id,
        )
        url = f"{base_url(self.request)}/{self.repository}/commit/{landed.new}"
        answer = {"success": True, "commitOid": landed.new, "commitUrl": url, "hookOutput": ""}
        return reply({**answer, **more})


def _writable(viewer: Viewer, request: Request, *, proposing: bool) -> Repository:
    """The repository, if the viewer may commit onto this revision or propose a change to it."""
    rev = request.path_params["rev"]
    number = rev.removeprefix("refs/pr/")
    change_request = number != rev and number.isdecimal()
    proposes = proposing or change_request
    repository = repository_of(request, viewer, wants="contribute" if proposes else "write")
    if change_request and not rights_of(viewer, repository).write:
        authors = ChangeRequest.objects.filter(repository=repository, number=int(number))
        if not authors.filter(author_id=viewer.user_id).exists():
            raise Forbidden("Only its author and those who may write here change this proposal")
    return repository


def _announced(asked: dict[str, Any]) -> list[Announced]:
    files = asked.get("files")
    if not isinstance(files, list) or len(files) > MOST_ANNOUNCED:
        raise Invalid(f"files must be a list of at most {MOST_ANNOUNCED} files")
    return [_one_announced(file) for file in files]


def _one_announced(file: Any) -> Announced:
    path = file.get("path") if isinstance(file, dict) else None
    if not isinstance(path, str):
        raise Invalid("Each file needs a path")
    size, sample = file.get("size", 0), file.get("sample", "")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise Invalid(f"The size of '{path[:200]}' is not a number of bytes")
    try:
        return Announced(path, size, base64.b64decode(sample, validate=True))
    except (binascii.Error, TypeError, ValueError) as error:
        raise Invalid(f"The sample of '{path[:200]}' is not base64") from error


def _names(start: str, sha: str) -> bool:
    return len(start) >= 7 and sha.startswith(start.lower())


routes = [
    Route(API + "/preupload/{rev:seg}", preupload, methods=["POST"]),
    Route(API + "/commit/{rev:seg}", commit, methods=["POST"]),
]
