"""Commits as pages show them: who, when, what they said, in which order."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pygit2

from llmos.hub.git.repos import open_repository, run_git

ROWS_A_PAGE = 50
LOG_SECONDS = 10


@dataclass(frozen=True, slots=True)
class CommitFacts:
    sha: str
    parents: list[str]
    author: str
    date: datetime
    message: str

    @property
    def title(self) -> str:
        return self.message.split("\n", 1)[0]

    @property
    def description(self) -> str:
        return self.message.partition("\n")[2].strip()


def commit_of(repository_id: int, sha: str) -> CommitFacts:
    found = open_repository(repository_id)[sha].peel(pygit2.Commit)
    return CommitFacts(
        sha=str(found.id),
        parents=[str(parent) for parent in found.parent_ids],
        author=found.author.name,
        date=datetime.fromtimestamp(found.commit_time, UTC),
        message=found.message,
    )


def log(repository_id: int, sha: str, path: str = "", *, skip: int = 0) -> list[CommitFacts]:
    """A page of commits and one more, newest first; with a path, those that touched it."""
    arguments = [
        "log",
        "-z",
        "--format=%H%n%P%n%an%n%ct%n%B",
        f"--skip={skip}",
        f"--max-count={ROWS_A_PAGE + 1}",
        sha,
        "--",
        *([f":(top,literal){path}"] if path else []),
    ]
    out = run_git(repository_id, arguments, seconds=LOG_SECONDS).decode("utf-8", "replace")
    return [_read_commit(record) for record in out.split("\0") if record]


def _read_commit(record: str) -> CommitFacts:
    sha, parents, author, seconds, message = record.split("\n", 4)
    date = datetime.fromtimestamp(int(seconds), UTC)
    return CommitFacts(sha, parents.split(), author, date, message.rstrip())


def commits_between(repository_id: int, base: str, head: str) -> list[CommitFacts]:
    """Commits that `head` has and `base` has not, newest first, a page of them at most."""
    return log(repository_id, f"{base}..{head}")[:ROWS_A_PAGE]
