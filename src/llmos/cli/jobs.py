"""`llmos jobs …`: the queue of work, for whoever runs the hub."""

import json
import time
from typing import TYPE_CHECKING

import click

from llmos.cli.options import home_option

if TYPE_CHECKING:
    from llmos.jobs.models import Job

LOOK_EVERY = 0.5  # seconds


@click.group()
def jobs() -> None:
    """The queue of work."""


@jobs.command("list")
@click.option("--all", "all_of_them", is_flag=True, help="Also those that are over.")
@click.option("--namespace", default="", help="Only jobs of this member or organisation.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
@home_option
def list_jobs(*, all_of_them: bool, namespace: str, limit: int) -> None:
    """List jobs, the newest first."""
    from llmos.cli.framework import open_home

    open_home()
    from llmos.jobs.models import Job
    from llmos.jobs.stages import ENDED

    found = Job.objects.select_related("namespace").order_by("-created_at", "-pk")
    if not all_of_them:
        found = found.exclude(stage__in=ENDED)
    if namespace:
        found = found.filter(namespace__key=namespace.casefold())
    for job in found[:limit]:
        output = (job.spec["output"] or {}).get("repo", "")
        click.echo(
            f"{job.pk}  {job.stage:9}  {job.created_at:%Y-%m-%d %H:%M}  {job.namespace.name}  "
            f"{job.activity}  {output}".rstrip()
        )


@jobs.command("show")
@click.argument("job_id")
@home_option
def show(*, job_id: str) -> None:
    """Print all that is known of the job JOB_ID, as JSON."""
    job = _job(job_id)
    told = {
        "id": job.pk,
        "namespace": job.namespace.name,
        "member": job.user.username,
        "activity": job.activity,
        "stage": job.stage,
        "message": job.message,
        "attempt": job.attempt,
        "executor": job.executor,
        "cores": job.cores,
        "priority": job.priority,
        "created_at": job.created_at.isoformat(),
        "started_at": job.started_at and job.started_at.isoformat(),
        "ended_at": job.ended_at and job.ended_at.isoformat(),
        "spec": job.spec,
        "progress": job.progress,
        "output": job.output,
        "result": job.result,
        "cost": job.cost,
    }
    click.echo(json.dumps(told, indent=2, ensure_ascii=False))


@jobs.command("logs")
@click.argument("job_id")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job is over.")
@click.option("-n", "--tail", type=click.IntRange(0), default=None, help="Only the last lines.")
@home_option
def logs(*, job_id: str, follow: bool, tail: int | None) -> None:
    """Print the log of the job JOB_ID."""
    job = _job(job_id)
    from llmos.jobs.folders import SPOKEN, read_events, tail_offset

    after = 0 if tail is None else tail_offset(job.pk, tail)
    while True:
        # Asked before the log is read, so that last words are not missed.
        job.refresh_from_db(fields=["stage"])
        for place in read_events(job.pk, after=after):
            after = place.after
            if place.event["event"] in SPOKEN:
                click.echo(place.event["text"])
        if not follow or job.is_over:
            return
        time.sleep(LOOK_EVERY)


@jobs.command("cancel")
@click.argument("job_id")
@home_option
def cancel(*, job_id: str) -> None:
    """End the job JOB_ID; `llmos jobs resume` goes on from its last checkpoint."""
    job = _job(job_id)
    from llmos.jobs.actions import cancel as end

    end(job)
    job.refresh_from_db()
    click.echo(f"Job {job.pk} {'is cancelled' if job.is_over else 'is being ended'}")


@jobs.command("resume")
@click.argument("job_id")
@home_option
def resume(*, job_id: str) -> None:
    """Queue the job JOB_ID again, which failed, was lost or was cancelled."""
    job = _job(job_id)
    from llmos.jobs.actions import resume as queue

    queue(job)
    click.echo(f"Job {job.pk} is queued")


def _job(job_id: str) -> "Job":
    """Raises JobNotFound."""
    from llmos.cli.framework import open_home

    open_home()
    from llmos.jobs.errors import JobNotFound
    from llmos.jobs.models import Job

    job = Job.objects.select_related("namespace", "user").filter(pk=job_id).first()
    if job is None:
        raise JobNotFound
    return job
