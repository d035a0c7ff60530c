"""Starting a training run: everything is pinned, then it stands in the queue."""

from importlib.util import find_spec
from pathlib import Path

from llmos.accounts.access import Viewer
from llmos.jobs.actions import file_job
from llmos.jobs.config import JobsSettings, cores_for_jobs
from llmos.jobs.models import Job
from llmos.kit.config import current
from llmos.lab.recipes.reading import as_content
from llmos.lab.recipes.schema import Recipe
from llmos.training.access import Pinned
from llmos.training.errors import NoLearningHere

GPU = Path("/dev/nvidiactl")  # there where the driver of a GPU is


def start_run(
    *,
    viewer: Viewer,
    namespace: str,
    name: str,
    data: Pinned,
    base: Pinned | None,
    recipe: Recipe,
    private: bool,
) -> Job:
    """Raises what `file_job` raises, and NoLearningHere."""
    if current(JobsSettings).executor == "local" and find_spec("torch") is None:
        raise NoLearningHere
    inputs = [data.as_input("data")]
    if base is not None:
        inputs.append(base.as_input("model"))
    return file_job(
        viewer=viewer,
        namespace=namespace,
        activity="train",
        inputs=inputs,
        output={"kind": "model", "repo": f"{namespace}/{name}"},
        # The number of workers decides the bytes, so where it is known it is settled now.
        recipe=as_content(recipe) | {"workers": recipe.workers or workers_here()},
        seed=recipe.seed,
        arguments={"private": private},
    )


def workers_here() -> int:
    """Processes that share each step on this machine; 0 where the run must find out by itself."""
    if current(JobsSettings).executor != "local" or GPU.exists():
        return 0
    return cores_for_jobs()
