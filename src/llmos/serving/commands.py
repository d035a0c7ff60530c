"""Lines to copy that ask a model the same from elsewhere: in Python, and with curl."""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from llmos.serving.trying import Tries, lines_of

_KEY = '"hf_…"  # a token of yours: /settings/tokens'


@dataclass(frozen=True, slots=True)
class Command:
    title: str
    language: str
    lines: str


def commands_for(
    endpoint: str, model: str, task: str, tries: Tries, *, chat: bool
) -> list[Command]:
    """The same question by the clients that people have."""
    if task == "text-generation":
        return _openai_shaped(endpoint, model, tries, chat=chat)
    address = f"{endpoint}/models/{model}"
    call, inputs = _task_call(task, tries)
    python = (
        "from huggingface_hub import InferenceClient\n\n"
        f"client = InferenceClient(model={address!r}, token={_KEY})\n"
        f"print(client.{call})"
    ).replace(f", token={_KEY})", f",\n    token={_KEY}\n)")
    return [
        Command("Python", "python", python),
        Command("curl", "bash", _curl(address, {"inputs": inputs})),
    ]


def _task_call(task: str, tries: Tries) -> tuple[str, Any]:
    if task == "translation":
        return f"translation({tries.text!r})", tries.text
    if task == "summarization":
        return f"summarization({tries.text!r})", tries.text
    if task == "question-answering":
        return (
            f"question_answering(question={tries.text!r}, context={tries.context!r})",
            {"question": tries.text, "context": tries.context},
        )
    others = lines_of(tries.others)
    return (
        f"sentence_similarity({tries.text!r}, other_sentences={others!r})",
        {"source_sentence": tries.text, "sentences": others},
    )


def _openai_shaped(endpoint: str, model: str, tries: Tries, *, chat: bool) -> list[Command]:
    sampling: dict[str, Any] = {"max_tokens": tries.max_tokens, "temperature": tries.temperature}
    if tries.seed is not None:
        sampling["seed"] = tries.seed
    if chat:
        asked: dict[str, Any] = {"messages": [{"role": "user", "content": tries.text}]}
        method, path, found = "chat.completions.create", "chat/completions", "message.content"
    else:
        asked = {"prompt": tries.text}
        method, path, found = "completions.create", "completions", "text"
    body = {"model": model, **asked, **sampling}
    arguments = "".join(f"    {name}={value!r},\n" for name, value in body.items())
    python = (
        "from openai import OpenAI\n\n"
        f"client = OpenAI(\n    base_url={endpoint + '/v1'!r},\n    api_key={_KEY}\n)\n"
        f"answer = client.{method}(\n{arguments})\nprint(answer.choices[0].{found})"
    )
    return [
        Command("Python", "python", python),
        Command("curl", "bash", _curl(f"{endpoint}/v1/{path}", body)),
    ]


def _curl(address: str, body: dict[str, Any]) -> str:
    return (
        f"curl {shlex.quote(address)} \\\n"
        '  -H "Authorization: Bearer $HF_TOKEN" \\\n'
        "  -H 'Content-Type: application/json' \\\n"
        f"  -d {shlex.quote(json.dumps(body, ensure_ascii=False))}"
    )
