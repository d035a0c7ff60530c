"""Rows of members, data and jobs for tests that need no hub."""

from typing import Any
from uuid import uuid4

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.accounts.models import User
from llmos.jobs.models import Job


def new_member(*, is_admin: bool = False) -> User:
    return create_user(name=f"m-{uuid4().hex[:8]}", admin=is_admin)


def viewer(user: User) -> Viewer:
    return viewer_of_user(user)


def new_job(user: User | None = None, **fields: Any) -> Job:
    user = user or new_member()
    spec = {
        "version": 1,
        "activity": "train",
        "inputs": [{"role": "data", "kind": "dataset", "repo": "a/b", "commit": "c" * 40}],
        "output": {"kind": "model", "repo": "a/c"},
        "recipe": {"task": "translate"},
        "seed": 1,
        "rebuild": False,
        "arguments": {},
    }
    return Job.objects.create(
        namespace=user.namespace, user=user, activity="train", spec=spec, executor="local", **fields
    )
