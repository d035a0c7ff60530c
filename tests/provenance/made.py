"""Lineage recorded as a job's end records it, for tests that need no job."""

from datetime import timedelta
from uuid import uuid4

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.hub import actions
from llmos.hub.git import refs, repos
from llmos.hub.git.draft import Draft
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.hub.tasks import refresh
from llmos.kit.time import now
from llmos.provenance.actions import record_activity
from llmos.provenance.models import Activity

SOFTWARE = {"python": "3.11.7", "torch": "2.13.0"}
HARDWARE = {"cpu": "A processor", "cores": 2}


def a_repository(
    user: User, name: str, *, kind: str = "model", visibility: str = "public"
) -> Repository:
    """With its head copied into its row, as the worker does."""
    made = actions.create_repository(
        viewer=viewer_of_user(user),
        kind=KINDS[kind],
        namespace=user.username,
        name=name,
        visibility=visibility,
    )
    refresh(made)
    made.refresh_from_db()
    return made


def an_activity(
    user: User,
    sources: list[Repository],
    output: Repository | None,
    *,
    name: str = "",
    commit: str = "",
) -> Activity:
    """`output` made from the heads of `sources`; the activity's id ends with `name`."""
    ended = now()
    return record_activity(
        job_id=name or uuid4().hex[:24],
        namespace_id=user.namespace_id,
        activity="train" if output else "evaluate",
        recipe={"task": "translate", "base": sources[0].full_name},
        arguments={},
        inputs=[
            {"role": "data", "kind": one.type, "repo": one.full_name, "commit": one.head_sha}
            for one in sources
        ],
        outputs=[
            {
                "role": "output",
                "kind": output.type,
                "repo": output.full_name,
                "commit": commit or output.head_sha,
            }
        ]
        if output
        else [],
        files={"model.safetensors": "ab" * 32},
        software=SOFTWARE,
        seed=7,
        hardware=HARDWARE,
        cost={"cpu_seconds": 12.5, "energy_wh": 0.02},
        started_at=ended - timedelta(seconds=30),
        ended_at=ended,
        user_id=user.pk,
    )


def changed(repository: Repository, files: dict[str, str]) -> None:
    """A commit to `main` with these files, its head copied into the row."""
    head = refs.resolve(repository.pk, "main")
    draft = Draft(repository.pk, head)
    draft.describe(summary="Change", description="", author="ada")
    for path, text in files.items():
        draft.write(path, text.encode())
    draft.land(repos.MAIN, old=head, retry=True)
    refresh(repository)
    repository.refresh_from_db()
