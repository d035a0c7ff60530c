"""Checks of jobs: rows, folders and tokens that a crash or a restored backup left apart."""

import shutil
from collections.abc import Iterator
from functools import partial

from llmos.accounts.models import Token
from llmos.hub.models import Repository
from llmos.jobs.folders import job_folder
from llmos.jobs.models import Job
from llmos.jobs.retention import ownerless_folders
from llmos.jobs.stages import ENDED, Stage
from llmos.kit.health import Finding
from llmos.provenance.models import Activity, Rebuild


def job_findings() -> Iterator[Finding]:
    for folder in ownerless_folders():
        repair = partial(shutil.rmtree, folder, ignore_errors=True)
        yield Finding(f"job folder {folder.name}", "belongs to no job", repair)
    yield from _forgotten_tokens()
    yield from _waiting_for_nothing()
    for job in Job.objects.filter(stage=Stage.SUCCEEDED).iterator():
        yield from _unrecorded(job)


def _forgotten_tokens() -> Iterator[Finding]:
    """A job's token dies with it; one that outlived it opens repositories for nobody."""
    ended = Job.objects.filter(stage__in=ENDED, token__isnull=False)
    for token in Token.objects.filter(pk__in=ended.values("token_id")):
        yield Finding(token.name, "is over, but its token is not", token.delete)


def _waiting_for_nothing() -> Iterator[Finding]:
    for job in Job.objects.exclude(stage__in=ENDED):
        output = job.spec["output"]
        if output is None or job.rebuild_of:
            continue
        named = {"type": output["kind"], "key": output["repo"].casefold()}
        if not Repository.objects.filter(**named).exists():
            yield Finding(f"job {job.pk}", f"writes to {output['repo']}, which is not there")


def _unrecorded(job: Job) -> Iterator[Finding]:
    subject = f"job {job.pk}"
    if job.made and not job.rebuild_of and not Activity.objects.filter(pk=job.pk).exists():
        yield Finding(subject, "succeeded, but its lineage is not recorded")
    is_rebuild = bool(job.rebuild_of) and Activity.objects.filter(pk=job.rebuild_of).exists()
    if is_rebuild and not Rebuild.objects.filter(pk=job.pk).exists():
        yield Finding(subject, "was a rebuild, but its verdict is not recorded")
    if job.attempt and not job_folder(job.pk).is_dir():
        yield Finding(subject, "its log is gone; restore it from a backup")
