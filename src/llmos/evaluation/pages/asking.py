"""Asking for a score: a model at a revision, on a benchmark or on any data set."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from llmos.accounts.queries import namespaces_open_to
from llmos.evaluation.actions import file_evaluation
from llmos.evaluation.queries import boards
from llmos.evaluation.words import metric_word, task_word
from llmos.hub.door import signed_in
from llmos.kit.errors import Refusal
from llmos.lab.benchmarks import METRIC_OPTIONS, USUAL_METRICS

MOST_BENCHMARKS = 200
_PLAIN = {"autocomplete": "off", "spellcheck": "false"}


class AskForm(forms.Form):
    """What both ways to ask have in common."""

    model = forms.CharField(
        label=_("Model"),
        max_length=250,
        help_text=_("name/model, or name/model@revision for another commit than the newest."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    namespace = forms.ChoiceField(label=_("Run as"))

    def __init__(self, *args: Any, owners: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["namespace"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(name, name) for name in owners]


class BenchmarkForm(AskForm):
    benchmark = forms.CharField(
        label=_("Benchmark"),
        max_length=250,
        help_text=_("A data set with an eval.yaml: name/data, or name/data@revision."),
        widget=forms.TextInput(attrs={**_PLAIN, "list": "benchmarks"}),
    )
    field_order = ("model", "benchmark", "namespace")

    def wish(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class DataForm(AskForm):
    """Without a benchmark: any data set, its columns, and a metric."""

    dataset = forms.CharField(
        label=_("Data set"), max_length=250, widget=forms.TextInput(attrs=_PLAIN)
    )
    split = forms.CharField(label=_("Split"), max_length=100, initial="test")
    task = forms.ChoiceField(label=_("Task"))
    source = forms.CharField(
        label=_("Column to read"), max_length=100, required=False, widget=forms.TextInput(_PLAIN)
    )
    target = forms.CharField(
        label=_("Column with what is right"), max_length=100, widget=forms.TextInput(_PLAIN)
    )
    metric = forms.ChoiceField(label=_("Metric"), required=False)
    prompt = forms.CharField(
        label=_("Prompt"),
        required=False,
        max_length=4000,
        help_text=_("For models that go on with a text; {column} stands for its value."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    limit = forms.IntegerField(
        label=_("Rows"), required=False, min_value=1, help_text=_("The first so many; empty: all.")
    )
    field_order = ("model", "dataset", "split", "task", "source", "target", "metric", "prompt")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        task, metric = self.fields["task"], self.fields["metric"]
        assert isinstance(task, forms.ChoiceField)
        assert isinstance(metric, forms.ChoiceField)
        task.choices = [(name, task_word(name)) for name in USUAL_METRICS]
        metric.choices = [
            ("", _("the usual one of the task")),
            *((name, metric_word(name)) for name in METRIC_OPTIONS),
        ]

    def wish(self) -> dict[str, Any]:
        said = self.cleaned_data
        columns = {name: said[name] for name in ("source", "target") if said[name]}
        settings: dict[str, Any] = {
            "task": said["task"],
            "data": {"split": said["split"], "limit": said["limit"] or 0},
            "columns": columns,
        }
        if said["metric"]:
            settings["metrics"] = [said["metric"]]
        if said["prompt"]:
            settings["prompt"] = said["prompt"]
        return {
            "model": said["model"],
            "namespace": said["namespace"],
            "data": said["dataset"],
            "settings": settings,
        }


def new(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    assert viewer.user_id is not None
    owners = [place.name for place in namespaces_open_to(viewer.user_id)]
    asked = {name: request.GET.get(name, "")[:250] for name in ("model", "benchmark", "dataset")}
    initial = {"namespace": viewer.name, **{key: value for key, value in asked.items() if value}}
    by_benchmark = BenchmarkForm(owners=owners, initial=initial)
    by_data = DataForm(owners=owners, initial=initial, auto_id="id_data_%s")
    if request.method == "POST":
        form: BenchmarkForm | DataForm
        if request.POST.get("how") == "data":
            form = by_data = DataForm(request.POST, owners=owners, auto_id="id_data_%s")
        else:
            form = by_benchmark = BenchmarkForm(request.POST, owners=owners)
        if form.is_valid():
            try:
                job = file_evaluation(viewer=viewer, **form.wish())
            except Refusal as refusal:
                form.add_error(None, refusal.message)
            else:
                return HttpResponseRedirect(job.url)
    failed = bool(by_benchmark.errors or by_data.errors)
    context = {
        "by_benchmark": by_benchmark,
        "by_data": by_data,
        "data_first": bool(by_data.errors or asked["dataset"]),
        "benchmarks": [row.board for row in boards(viewer, limit=MOST_BENCHMARKS)[0]],
    }
    return render(request, "evaluation/ask.html", context, status=422 if failed else 200)


urlpatterns = [path("evaluations/new", new, name="new-evaluation")]
