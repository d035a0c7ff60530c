"""The form of a new run, once its data set is chosen: that decides what there is to choose."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from llmos.accounts.access import Viewer
from llmos.hub.names import NameRefused, check_name
from llmos.kit.errors import Refusal
from llmos.lab.recipes.reading import presets_of
from llmos.lab.recipes.schema import Recipe
from llmos.training.access import Pinned, pinned
from llmos.training.choices import HELD_OUT, Choices, read_advanced, recipe_of
from llmos.training.errors import NoAdvancedSettings
from llmos.training.queries import Data

TASKS = [
    ("translate", _("Translate")),
    ("language-model", _("Go on with a text")),
    ("finetune", _("Teach a model something new")),
]
VISIBILITIES = [
    ("data", _("As what goes into it")),
    ("public", _("Everybody")),
    ("private", _("Only its owners")),
]
COLUMNS = "source target text prompt completion context messages".split()
SIZED = ("translate", "language-model")
LONGEST_RUN = 7 * 24 * 60  # minutes
MOST_STEPS = 10_000_000
_NEEDED = {
    "translate": ("source", "target"),
    "language-model": ("text",),
    "finetune": ("base",),
}
_LAYOUTS = {"pair": ("prompt", "completion"), "messages": ("messages",), "text": ("text",)}


def _column(label: Any, hint: Any = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, help_text=hint, required=False)


class RunForm(forms.Form):
    task = forms.ChoiceField(label=_("What to learn"), choices=TASKS, widget=forms.RadioSelect)
    source = _column(_("Translate from"))
    target = _column(_("Translate into"))
    text = _column(_("Column of text"))
    layout = forms.ChoiceField(
        label=_("How the rows say it"),
        required=False,
        choices=[
            ("pair", _("A request and its answer")),
            ("messages", _("A conversation, as a list of messages")),
            ("text", _("Running text")),
        ],
        widget=forms.RadioSelect,
    )
    prompt = _column(_("Column of requests"))
    completion = _column(_("Column of answers"))
    context = _column(
        _("Column of what a request is about"), _("It may be empty, and stands under the request.")
    )
    messages = _column(_("Column of conversations"))
    train = forms.ChoiceField(label=_("Learn from split"), required=False)
    validation = forms.ChoiceField(label=_("Check on split"), required=False)
    base = forms.CharField(
        label=_("Model to start from"),
        required=False,
        max_length=300,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "name/model"}
        ),
    )
    method = forms.ChoiceField(
        label=_("What changes"),
        required=False,
        choices=[
            ("lora", _("A small change beside each matrix (LoRA): quick, little memory")),
            ("full", _("All weights: slower, four times the memory of the model")),
        ],
        widget=forms.RadioSelect,
    )
    budget = forms.ChoiceField(
        label=_("How long"),
        choices=[("minutes", _("So many minutes")), ("steps", _("So many steps"))],
        widget=forms.RadioSelect,
    )
    minutes = forms.FloatField(
        label=pgettext_lazy("unit", "Minutes"), required=False, min_value=0.1, max_value=LONGEST_RUN
    )
    steps = forms.IntegerField(label=_("Steps"), required=False, min_value=1, max_value=MOST_STEPS)
    owner = forms.ChoiceField(label=_("Owner"))
    name = forms.CharField(
        label=_("Name of the model"),
        max_length=96,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    visibility = forms.ChoiceField(label=_("Who may see it"), widget=forms.RadioSelect)
    seed = forms.IntegerField(
        label=_("Seed"),
        min_value=0,
        max_value=2**31 - 1,
        help_text=_("Where chance begins: the same seed gives the same model."),
    )
    advanced = forms.CharField(
        label=_("Other settings"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={
                "rows": 4,
                "spellcheck": "false",
                "class": "mono",
                "placeholder": "optimiser.rate = 0.002",
            }
        ),
        help_text=_("One a line as key = value, or YAML. The recipe's own are listed below."),
    )

    def __init__(
        self,
        told: Mapping[str, Any] | None,
        *,
        chosen: Data | None,
        viewer: Viewer,
        owners: Sequence[str],
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(told, initial=dict(initial or {}), prefix=None)
        self.viewer, self.chosen = viewer, chosen
        self.recipe: Recipe | None = None
        self.base_pinned: Pinned | None = None
        for task in SIZED:
            self.fields[f"size_{task}"] = forms.ChoiceField(
                label=_("Size"),
                required=False,
                choices=[(name, name) for name in presets_of(task)],
                widget=forms.RadioSelect,
            )
        columns = chosen.columns if chosen else []
        for name in COLUMNS:
            self._choose(name, [("", "—"), *((one.name, one.said) for one in columns)])
        splits = chosen.splits if chosen else []
        self._choose("train", [(name, name) for name in splits])
        apart = (HELD_OUT, gettext("a part of the rows, kept apart"))
        self._choose("validation", [*((name, name) for name in splits), apart])
        self._choose("owner", [(name, name) for name in owners])
        self._choose("visibility", VISIBILITIES)

    def clean(self) -> dict[str, Any]:
        told = dict(super().clean() or {})
        task = told.get("task", "")
        self._want(told, _NEEDED.get(task, ()))
        if task == "finetune":
            self._want(told, _LAYOUTS.get(told.get("layout") or "", ()))
        if task == "translate" and told.get("source") and told["source"] == told.get("target"):
            self.add_error("target", gettext("Choose another column than the one to read"))
        if told.get("budget") in {"minutes", "steps"}:
            self._want(told, (told["budget"],))
        if not self.errors:
            self.recipe = self._recipe(told)
        return told

    def clean_name(self) -> str:
        try:
            return check_name(self.cleaned_data["name"])
        except NameRefused as refused:
            raise forms.ValidationError(refused.message) from refused

    def clean_base(self) -> str:
        written = str(self.cleaned_data["base"]).strip()
        if not written or self.data.get("task") != "finetune":
            return written
        try:
            self.base_pinned = pinned(self.viewer, "model", written)
        except Refusal as refused:
            raise forms.ValidationError(refused.message) from refused
        return f"{self.base_pinned.repository.full_name}@{self.base_pinned.commit}"

    def clean_advanced(self) -> str:
        written = str(self.cleaned_data["advanced"])
        try:
            read_advanced(written)
        except NoAdvancedSettings as refused:
            raise forms.ValidationError(refused.message) from refused
        return written

    @property
    def takes_in_private(self) -> bool:
        """Whether something that goes into the model is private."""
        base = self.base_pinned is not None and self.base_pinned.repository.is_private
        return base or (self.chosen is not None and self.chosen.is_private)

    def _recipe(self, told: Mapping[str, Any]) -> Recipe | None:
        """What goes wrong only with the other settings is theirs."""
        choices = Choices.of({**told, "size": told.get(f"size_{told.get('task')}", "")})
        try:
            recipe_of(choices, advanced=False)
        except Refusal as refused:
            self.add_error(None, refused.message)
            return None
        try:
            return recipe_of(choices)
        except Refusal as refused:
            self.add_error("advanced", refused.message)
            return None

    def _want(self, told: Mapping[str, Any], names: Sequence[str]) -> None:
        for name in names:
            if told.get(name) in {None, ""} and name not in self.errors:
                self.add_error(name, self.fields[name].error_messages["required"])

    def _choose(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
