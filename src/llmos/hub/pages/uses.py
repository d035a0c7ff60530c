"""Lines to copy: how each client that people have fetches a repository from this hub."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from llmos.hub.models import Repository


@dataclass(frozen=True, slots=True)
class Use:
    """A client's name and the lines that fetch with it."""

    title: str
    lines: str


def uses_of(repository: Repository, endpoint: str, *, example_file: str) -> list[Use]:
    """The ways to get a repository, the likeliest first; `example_file` is for curl."""
    found = [_from_python(repository), _hf(repository)]
    if repository.type == "dataset":
        found.insert(1, _streaming(repository))
    address = f"{endpoint}/{repository}"
    found.append(Use("git", f"git lfs install\ngit clone {address}"))
    found.append(Use("curl", f"curl -L -O {address}/resolve/main/{example_file}"))
    return found


def endpoint_line(endpoint: str) -> str:
    return f"export HF_ENDPOINT={endpoint}"


def _hf(repository: Repository) -> Use:
    option = "" if repository.type == "model" else f" --repo-type {repository.type}"
    return Use("hf", f"hf download {repository.full_name}{option}")


def _from_python(repository: Repository) -> Use:
    name = repository.full_name
    if repository.type == "dataset":
        return Use(
            "datasets",
            f'from datasets import load_dataset\n\nrows = load_dataset("{name}")',
        )
    if repository.type == "model" and repository.library_name == "transformers":
        return Use("transformers", _transformers(repository))
    kind = "" if repository.type == "model" else f', repo_type="{repository.type}"'
    return Use(
        "huggingface_hub",
        "from huggingface_hub import snapshot_download\n\n"
        f'folder = snapshot_download("{name}"{kind})',
    )


def _transformers(repository: Repository) -> str:
    name, task = repository.full_name, repository.pipeline_tag
    if task:
        return f'from transformers import pipeline\n\nmodel = pipeline("{task}", "{name}")'
    return (
        "from transformers import AutoModel, AutoTokenizer\n\n"
        f'tokenizer = AutoTokenizer.from_pretrained("{name}")\n'
        f'model = AutoModel.from_pretrained("{name}")'
    )


def _streaming(repository: Repository) -> Use:
    return Use(
        _("datasets, streaming"),
        "from datasets import load_dataset\n\n"
        f'rows = load_dataset("{repository.full_name}", streaming=True)\n'
        'for row in rows["train"]:\n    print(row)\n    break',
    )
