"""The model card that the tour writes: from a few answers to a README that clients read."""

from dataclasses import dataclass

import yaml
from django.utils.translation import gettext as _

from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned

LICENCES = ("apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "other")
LANGUAGES = ("en", "zh")
# The four uses of this house, and other common ones, in the words of hub clients.
TASKS = (
    "translation",
    "summarization",
    "question-answering",
    "text-generation",
    "text-classification",
    "feature-extraction",
)
LONGEST_ANSWER = 2000


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody says about a model that may not exist yet."""

    name: str
    purpose: str
    task: str
    languages: tuple[str, ...]
    licence: str
    data: str = ""
    limits: str = ""


def checked(answers: Answers) -> Answers:
    """Raises Invalid, with the first answer that is missing or makes no sense."""
    if not answers.purpose.strip():
        raise Invalid(_("Say in a sentence what the model is for"))
    if answers.licence not in LICENCES or answers.task not in TASKS:
        raise Invalid(_("The form was not complete"))
    if not answers.languages or not set(answers.languages) <= set(LANGUAGES):
        raise Invalid(_("Choose at least one language"))
    if any(len(text) > LONGEST_ANSWER for text in (answers.purpose, answers.data, answers.limits)):
        raise Invalid(_("An answer has at most %(n)d characters") % {"n": LONGEST_ANSWER})
    return answers


def card_of(answers: Answers) -> str:
    """README.md in Markdown with the front matter that hubs read."""
    front = {
        "license": answers.licence,
        "language": list(answers.languages),
        "pipeline_tag": answers.task,
    }
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        f"# {answers.name}",
        cleaned(answers.purpose).strip(),
        f"## {_('Where it comes from')}",
        cleaned(answers.data).strip() or _("To be written: on which data it was trained, and how."),
        f"## {_('What it cannot do')}",
        cleaned(answers.limits).strip() or _("To be written: where it fails, and who may be hurt."),
    ]
    return "\n\n".join(parts) + "\n"
