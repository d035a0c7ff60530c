"""The form beside a conversation: which model answers, and how."""

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from llmos.kit.config import current
from llmos.kit.errors import Invalid
from llmos.serving.actions import Wish
from llmos.serving.config import ServingSettings

DEFAULTS = {"temperature": 0.7, "top_p": 0.95, "max_tokens": 512, "seed": None}


class WishForm(forms.Form):
    """How to be answered; what to say is read apart, since each deed says it elsewhere."""

    model = forms.CharField(label=gettext_lazy("Model"), max_length=250)
    system = forms.CharField(
        label=gettext_lazy("System prompt"),
        required=False,
        max_length=20_000,
        help_text=gettext_lazy("What the model is told before all else: its role, its tone."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    temperature = forms.FloatField(
        label=gettext_lazy("Temperature"),
        min_value=0,
        max_value=2,
        help_text=gettext_lazy("0 always takes the likeliest word; higher is freer."),
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )
    top_p = forms.FloatField(
        label=gettext_lazy("Top-p"),
        min_value=0.01,
        max_value=1,
        help_text=gettext_lazy("Leaves out the unlikeliest words beyond this share."),
        widget=forms.NumberInput(attrs={"step": "0.01"}),
    )
    max_tokens = forms.IntegerField(
        label=gettext_lazy("Most tokens of an answer"), min_value=1, max_value=2**20
    )
    seed = forms.IntegerField(
        label=gettext_lazy("Seed"),
        required=False,
        min_value=0,
        max_value=2**32 - 1,
        help_text=gettext_lazy("The same seed gives the same answer again."),
    )

    def clean_max_tokens(self) -> int:
        most = current(ServingSettings).most_tokens
        value: int = self.cleaned_data["max_tokens"]
        if value > most:
            raise forms.ValidationError(_("This hub writes at most %(n)d tokens") % {"n": most})
        return value

    def checked(self) -> Wish:
        """The wish. Raises Invalid with the first problem, named."""
        if self.is_valid():
            told = self.cleaned_data
            sampling = {name: told[name] for name in DEFAULTS if told[name] is not None}
            return Wish(told["model"].strip(), told["system"].strip(), sampling)
        name, problems = next(iter(self.errors.items()))
        raise Invalid(f"{self.fields[name].label}: {problems[0]}")
