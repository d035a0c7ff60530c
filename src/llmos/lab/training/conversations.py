"""Rows of instruction data as conversations, whatever columns their authors chose."""

import json
from typing import Any

from llmos.lab.errors import BadData
from llmos.lab.recipes.schema import DataRecipe

Message = dict[str, str]
_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "prompter": "user"}


def columns_for(columns: list[str], data: DataRecipe) -> list[str]:
    """The columns that `conversation_of` will read. Raises BadData when none fit."""
    if data.text:
        return [data.text]
    if data.messages:
        return [data.messages]
    if data.prompt and data.completion:
        return [data.prompt, data.completion]
    for known in (["messages"], ["conversations"], ["prompt", "completion"], ["text"]):
        if set(known) <= set(columns):
            return known
    for pair in (("instruction", "output"), ("question", "answer"), ("input", "output")):
        if set(pair) <= set(columns):
            return [*pair, *(["input"] if "input" in columns and "input" not in pair else [])]
    raise BadData(
        "Say which columns hold requests and answers (data.prompt, data.completion), "
        f"conversations (data.messages) or text (data.text); there are {', '.join(columns)}"
    )


def conversation_of(row: dict[str, Any], data: DataRecipe) -> list[Message]:
    """A conversation that ends with an answer where the row has one. Raises BadData."""
    named = data.messages or next((c for c in ("messages", "conversations") if c in row), "")
    if named and row.get(named) is not None:
        return _messages(row[named])
    if data.prompt:
        request, answer = row[data.prompt], row[data.completion]
    elif "instruction" in row:
        request, answer = row["instruction"], row.get("output", "")
        if row.get("input"):
            request = f"{request}\n\n{row['input']}"
    elif "prompt" in row:
        request, answer = row["prompt"], row.get("completion", "")
    elif "question" in row:
        request, answer = row["question"], row.get("answer", "")
    else:
        request, answer = row.get("input", ""), row.get("output") or row.get("text", "")
    return [
        {"role": "user", "content": str(request)},
        {"role": "assistant", "content": str(answer)},
    ]


def _messages(value: Any) -> list[Message]:
    found = json.loads(value) if isinstance(value, str) else value
    if not isinstance(found, list):
        raise BadData("A conversation is a list of messages with role and content")
    messages = []
    for one in found:
        role = one.get("role") or one.get("from") or ""
        content = one.get("content") or one.get("value") or one.get("text") or ""
        messages.append({"role": _ROLES.get(role, role), "content": str(content)})
    return messages
