"""How a model of the hub can be tried: for what, between which languages, with what to begin."""

from dataclasses import dataclass, replace

import orjson

from llmos.hub.models import Repository
from llmos.hub.snapshots import snapshot_of
from llmos.kit.errors import Refusal
from llmos.provenance.queries import made_by
from llmos.serving.queries import Servable, servable

MOST_EXAMPLES = 3
_LONGEST_EXAMPLE = 500  # characters
_TEMPLATE_FILES = frozenset({"chat_template.jinja", "chat_template.json"})


@dataclass(frozen=True, slots=True)
class Trial:
    """`model` None: no engine here runs it, and `reason` says why.

    `source` and `target` are the columns that a translator learned from, often languages.
    """

    model: Servable | None
    reason: str = ""
    is_chat: bool = False
    source: str = ""
    target: str = ""
    examples: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        return self.model.task if self.model else ""


def trial_of(repository: Repository, sha: str) -> Trial | None:
    """None for a repository that holds no model yet, only words about one."""
    facts = snapshot_of(repository, sha)
    names = [one["rfilename"] for one in orjson.loads(facts.names)]
    if not any(_is_of_a_model(name) for name in names):
        return None
    try:
        model = servable(repository, sha)
    except Refusal as refusal:
        return Trial(None, reason=refusal.message)
    trial = Trial(model, examples=_examples(facts.facts.get("widgetData")))
    if trial.task == "translation":
        source, target = _columns(repository)
        return replace(trial, source=source, target=target)
    config, gguf = facts.facts.get("config") or {}, facts.facts.get("gguf") or {}
    template = (config.get("tokenizer_config") or {}).get("chat_template")
    template = template or gguf.get("chat_template") or _TEMPLATE_FILES & set(names)
    return replace(trial, is_chat=trial.task == "text-generation" and bool(template))


def _is_of_a_model(name: str) -> bool:
    return not name.rpartition("/")[2].startswith((".", "README", "LICENSE"))


def _columns(repository: Repository) -> tuple[str, str]:
    """From and to, where the platform saw the model being made."""
    activity = made_by(repository)
    data = activity.recipe.get("data") if activity else None
    if not isinstance(data, dict):
        return "", ""
    return str(data.get("source") or ""), str(data.get("target") or "")


def _examples(widget: object) -> tuple[str, ...]:
    """What the card offers to begin with, in the clients' own field."""
    told = widget if isinstance(widget, list) else []
    texts = [one.get("text") for one in told if isinstance(one, dict)]
    found = [text for text in texts if isinstance(text, str) and text.strip()]
    return tuple(text[:_LONGEST_EXAMPLE] for text in found[:MOST_EXAMPLES])
