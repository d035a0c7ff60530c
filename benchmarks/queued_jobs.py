"""Many waiting jobs, made fast: `python -m benchmarks.queued_jobs HOME COUNT`.

They are for a cluster that gives jobs no core, so nobody starts them. The hub must not run.
"""

import os
import sys

from benchmarks.hub import MEMBER


def main() -> None:
    home, count = sys.argv[1], int(sys.argv[2])
    os.environ["LLMOS_HOME"] = home
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    import django

    django.setup(set_prefix=False)
    from llmos.accounts.models import User
    from llmos.jobs.models import Job
    from llmos.lab.recipes import recipe_from
    from llmos.lab.recipes.reading import as_content

    member = User.objects.get(username=MEMBER)
    recipe = as_content(recipe_from({"task": "translate"}))
    inputs = [{"role": "data", "kind": "dataset", "repo": f"{MEMBER}/job-data", "commit": "a" * 40}]
    spec = {
        "version": 1,
        "activity": "train",
        "inputs": inputs,
        "output": {"kind": "model", "repo": f"{MEMBER}/job-model"},
        "recipe": recipe,
        "seed": 1,
        "rebuild": False,
        "arguments": {},
    }
    Job.objects.bulk_create(
        Job(
            namespace=member.namespace,
            user=member,
            activity="train",
            spec=spec,
            executor="ray",
            labels={"name": f"run-{number}"},
        )
        for number in range(count)
    )


if __name__ == "__main__":
    main()
