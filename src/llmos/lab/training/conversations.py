"""Rows of instruction data as conversations, whatever columns their authors chose."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from llmos.lab.errors import BadData
from llmos.lab.recipes.schema import DataRecipe

Message = dict[str, str]
_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "prompter": "user"}

# What authors call things, the most telling first; the keys are fields of DataRecipe.
_KNOWN: tuple[dict[str, str], ...] = (
    {"messages": "messages"},
    {"messages": "conversations"},
    {"prompt": "prompt", "completion": "completion"},
    {"prompt": "instruction", "completion": "output", "context": "input"},
    {"prompt": "instruction", "completion": "response", "context": "context"},
    {"prompt": "question", "completion": "answer"},
    {"prompt": "input", "completion": "output"},
    {"text": "text"},
)


def columns_found(there: Sequence[str], data: DataRecipe) -> DataRecipe:
    """`data` with its columns said, if only by the names that are there. Raises BadData."""
    if data.text or data.messages or (data.prompt and data.completion):
        return data
    for known in _KNOWN:
        needed = {column for field, column in known.items() if field != "context"}
        if needed <= set(there):
            found: dict[str, Any] = {f: column for f, column in known.items() if column in there}
            return replace(data, **found)
    raise BadData(
        "Say which columns hold requests and answers (data.prompt, data.completion), "
        f"conversations (data.messages) or text (data.text); there are {', '.join(there)}"
    )


def columns_read(data: DataRecipe) -> tuple[list[str], list[str]]:
    """The columns that every row needs, and those that some have."""
    needed = [data.text] if data.text else [data.messages]
    if not any(needed):
        needed = [data.prompt, data.completion]
    return needed, [data.context] if data.context else []


def conversation_of(row: dict[str, Any], data: DataRecipe) -> list[Message]:
    """Messages with role and content. Raises BadData."""
    if data.messages:
        return _messages(row[data.messages])
    request = str(row[data.prompt])
    if row.get(data.context):
        request = f"{request}\n\n{row[data.context]}"
    return [
        {"role": "user", "content": request},
        {"role": "assistant", "content": str(row[data.completion])},
    ]


def _messages(value: Any) -> list[Message]:
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadData("A conversation is a list of messages, each with role and content")
    messages = []
    for one in found:
        role = one.get("role") or one.get("from") or ""
        content = one.get("content") or one.get("value") or one.get("text") or ""
        messages.append({"role": _ROLES.get(role, role), "content": str(content)})
    return messages
