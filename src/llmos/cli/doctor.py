"""`llmos doctor`: whether rows, git and files agree, and what can be mended."""

import time
from collections.abc import Iterator

import click

from llmos.cli.options import home_option
from llmos.cli.running import running_at
from llmos.kit.health import Finding
from llmos.kit.home import Home

# A change in progress looks like a fault for a moment; after this many seconds it is one.
SECOND_LOOK = 2.0


@click.command()
@click.option("--repair", is_flag=True, help="Mend what can be mended without losing anything.")
@click.option("--quick", is_flag=True, help="Do not walk every git object.")
@click.option("--deep", is_flag=True, help="Also read every large file and compare its hash.")
@home_option
@click.pass_context
def doctor(context: click.Context, *, repair: bool, quick: bool, deep: bool) -> None:
    """Check the database, every repository, large files, jobs, tasks and the search index.

    Works while the hub runs. Exit status: 0 all is well, or was mended; 1 faults remain.
    """
    from llmos.cli.framework import open_home

    home = open_home()
    findings = _believed(home, thorough=not quick, deep=deep)
    remaining = 0
    for finding in findings:
        click.echo(f"{finding.subject}: {finding.fault}{_outcome(finding, repair=repair)}")
        remaining += not (repair and finding.repair)
    if remaining:
        advice = "" if repair else "; `llmos doctor --repair` mends what can be mended"
        click.echo(f"{remaining} faults remain{advice}")
        context.exit(1)
    click.echo("All is well." if not findings else "All faults were mended.")


def _outcome(finding: Finding, *, repair: bool) -> str:
    if finding.repair is None:
        return ""
    if not repair:
        return " (can be mended)"
    finding.repair()
    return " (mended)"


def _believed(home: Home, *, thorough: bool, deep: bool) -> list[Finding]:
    """Findings that a second look confirms."""
    first = list(_all_findings(home, thorough=thorough, deep=deep))
    if not first:
        return []
    time.sleep(SECOND_LOOK)
    known = {(finding.subject, finding.fault) for finding in first}
    second = _all_findings(home, thorough=thorough, deep=deep)
    return [finding for finding in second if (finding.subject, finding.fault) in known]


def _all_findings(home: Home, *, thorough: bool, deep: bool) -> Iterator[Finding]:
    from llmos.community.threads.health import thread_findings
    from llmos.hub import health
    from llmos.hub.xet.gc import stray_findings
    from llmos.jobs.health import job_findings
    from llmos.store.health import database_findings, search_findings, task_findings

    yield from database_findings()
    yield from health.repository_findings(thorough=thorough)
    yield from health.leftover_findings()
    yield from health.content_findings(thorough=deep)
    yield from stray_findings()
    yield from job_findings()
    yield from thread_findings()
    running = running_at(home) is not None
    yield from task_findings(worker_runs=running)
    yield from search_findings(worker_runs=running)
