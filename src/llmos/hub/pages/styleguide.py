"""The living page of all components: what a new page is put together from."""

from datetime import timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext_lazy as _

from llmos.accounts.models import Namespace
from llmos.hub.models import Repository
from llmos.kit.time import now
from llmos.store.markup import highlight_lines, render_markdown

_CODE = '''def attention(query, key, value):
    """Scaled dot-product attention."""
    weights = softmax(query @ key.T / key.shape[-1] ** 0.5)
    return weights @ value  # 注意力
'''
_TEXT = """## Prose

A paragraph with `code`, a [link](#prose) and a formula $e^{i\\pi} + 1 = 0$. 中文排版也在这里。

| model | BLEU |
|---|---:|
| small | 31.8 |

- [x] trained
- [ ] reproduced

> A quotation, quiet.

```python
from transformers import pipeline
```
"""


class SampleForm(forms.Form):
    name = forms.CharField(label=_("Name"), help_text=_("Letters and digits."))
    kind = forms.ChoiceField(label=_("Kind"), choices=[("a", "A"), ("b", "B")])
    seen = forms.ChoiceField(
        label=_("Visibility"),
        choices=[("public", _("Public")), ("private", _("Private"))],
        widget=forms.RadioSelect,
    )
    agree = forms.BooleanField(label=_("Remember this"), required=False)
    text = forms.CharField(label=_("Text"), widget=forms.Textarea(attrs={"rows": 3}))


def styleguide(request: HttpRequest) -> HttpResponse:
    context = {
        "samples": [_sample("model"), _sample("dataset", gated="manual"), _sample("kernel")],
        "org": Namespace(name="mei-lab", kind="org"),
        "person": Namespace(name="lin", kind="user"),
        "form": SampleForm(),
        "failed": SampleForm({"kind": "a"}),
        "code": highlight_lines(_CODE, "attention.py"),
        "prose": render_markdown(_TEXT),
    }
    return render(request, "hub/styleguide.html", context)


def _sample(type_: str, **more: str) -> Repository:
    """A row that is in no database."""
    return Repository(
        type=type_,
        name="zh-en-small",
        full_name="mei-lab/zh-en-small",
        description="A small Transformer that translates everyday Chinese into English.",
        pipeline_tag="translation",
        library_name="transformers",
        parameters=7_600_000 if type_ == "model" else None,
        used_storage=30_400_000,
        downloads=12_345,
        likes=48,
        updated_at=now() - timedelta(hours=5),
        **more,
    )


urlpatterns = [path("styleguide", styleguide, name="styleguide")]
