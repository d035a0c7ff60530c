"""A new benchmark: what belongs into the repository, and a form that writes its eval.yaml."""

from typing import Any

import yaml
from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from llmos.accounts.access import Viewer
from llmos.evaluation.actions import write_definition
from llmos.evaluation.definitions import definition_at
from llmos.evaluation.words import metric_word, task_word
from llmos.hub.access import repo_for
from llmos.hub.door import signed_in
from llmos.hub.kinds import KINDS
from llmos.kit.errors import Refusal
from llmos.lab.benchmarks import FILE, METRICS_OF_TASK, USUAL_METRICS
from llmos.lab.errors import BadBenchmark

_PLAIN = {"autocomplete": "off", "spellcheck": "false"}

EXAMPLE = """name: Numerals zh-en
version: "1.0"
task: translation
data:
  split: test
columns:
  source: zh
  target: en
metrics:
  - sacrebleu
  - chrf
"""


class DefinitionForm(forms.Form):
    """The plain part of an eval.yaml; whatever else it may say is written by hand."""

    repository = forms.CharField(
        label=_("Data set"),
        max_length=200,
        help_text=_("One that you may write to: name/data. Its eval.yaml is committed to main."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    name = forms.CharField(label=_("Name of the benchmark"), max_length=200)
    version = forms.CharField(
        label=_("Version"),
        max_length=60,
        initial="1.0",
        help_text=_("A new version is a new board; the old one stays readable."),
    )
    task = forms.ChoiceField(label=_("Task"))
    description = forms.CharField(
        label=_("What it measures"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    split = forms.CharField(label=_("Split"), max_length=100, initial="test")
    source = forms.CharField(
        label=_("Column to read"), required=False, max_length=100, widget=forms.TextInput(_PLAIN)
    )
    target = forms.CharField(
        label=_("Column with what is right"), max_length=100, widget=forms.TextInput(_PLAIN)
    )
    context = forms.CharField(
        label=_("Column with the text that holds the answer"),
        required=False,
        max_length=100,
        help_text=_("For question answering."),
        widget=forms.TextInput(_PLAIN),
    )
    choices = forms.CharField(
        label=_("Choices"),
        required=False,
        max_length=2000,
        help_text=_("For classification: one a line, or the name of a column of lists."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    prompt = forms.CharField(
        label=_("Prompt"),
        required=False,
        max_length=4000,
        help_text=_("For models that go on with a text; {column} stands for its value."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    metrics = forms.CharField(
        label=_("Metrics"),
        required=False,
        max_length=300,
        help_text=_("Separated by commas, the one that ranks first; empty: the task's usual ones."),
        widget=forms.TextInput(_PLAIN),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        task = self.fields["task"]
        assert isinstance(task, forms.ChoiceField)
        task.choices = [(name, task_word(name)) for name in USUAL_METRICS]

    def text(self) -> str:
        """The eval.yaml that the form describes."""
        said = self.cleaned_data
        columns = {
            name: said[name] for name in ("source", "target", "context") if said[name].strip()
        }
        lines = [line.strip() for line in said["choices"].splitlines() if line.strip()]
        content: dict[str, Any] = {
            "name": said["name"],
            "version": said["version"],
            "task": said["task"],
            "description": said["description"],
            "data": {"split": said["split"]},
            "columns": {**columns, **({"choices": lines[0]} if len(lines) == 1 else {})},
            "choices": lines if len(lines) > 1 else [],
            "prompt": said["prompt"].replace("\r\n", "\n"),
            "metrics": [one.strip() for one in said["metrics"].split(",") if one.strip()],
        }
        told = {key: value for key, value in content.items() if value}
        return yaml.safe_dump(told, allow_unicode=True, sort_keys=False)


def new(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    if request.method == "POST":
        form = DefinitionForm(request.POST)
        if form.is_valid():
            try:
                repository = repo_for(
                    viewer, KINDS["dataset"], form.cleaned_data["repository"], wants="write"
                )
                write_definition(viewer=viewer, repository=repository, text=form.text())
            except Refusal as refusal:
                form.add_error(None, refusal.message)
            else:
                return HttpResponseRedirect(f"/{repository}")
    else:
        name = request.GET.get("data", "")[:200]
        form = DefinitionForm(initial=_known(viewer, name) if name else {})
    context = {
        "form": form,
        "example": EXAMPLE,
        "file": FILE,
        "tasks": [
            (task_word(task), [f"{metric_word(one)}: {one}" for one in METRICS_OF_TASK[task]])
            for task in USUAL_METRICS
        ],
    }
    status = 422 if form.errors else 200
    return render(request, "evaluation/define.html", context, status=status)


def _known(viewer: Viewer, name: str) -> dict[str, Any]:
    """What the data set's eval.yaml says now, so that a new version starts from it."""
    try:
        repository = repo_for(viewer, KINDS["dataset"], name)
        definition = definition_at(repository, repository.head_sha)
    except (Refusal, BadBenchmark):
        definition = None
    if definition is None:
        return {"repository": name}
    asked = definition.benchmark
    return {
        "repository": name,
        "name": asked.name,
        "version": asked.version,
        "task": asked.task,
        "description": asked.description,
        "split": asked.data.split,
        "source": asked.columns.source,
        "target": asked.columns.target,
        "context": asked.columns.context,
        "choices": asked.columns.choices or "\n".join(asked.choices),
        "prompt": asked.prompt,
        "metrics": ", ".join(one.name for one in asked.metrics),
    }


urlpatterns = [path("benchmarks/new", new, name="new-benchmark")]
