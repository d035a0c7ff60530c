"""Writing conversations: what a member says, and an answer as it grows."""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from llmos.kit.errors import Invalid
from llmos.kit.time import now
from llmos.serving.models import Conversation, Turn

LONGEST_MESSAGE = 200_000  # characters
LONGEST_TITLE = 120
_TITLE_OF_FIRST_WORDS = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """How a member wants to be answered."""

    model: str
    system: str
    sampling: dict[str, Any]


def start_conversation(*, user_id: int, text: str, wish: Wish, key: str) -> Turn:
    """A new conversation with its first message; returns the answer that is to be written.

    The same `key` again returns the same answer. Raises Invalid.
    """
    _check(text)
    try:
        with transaction.atomic():
            conversation = Conversation.objects.create(
                user_id=user_id,
                title=title_of(text),
                model=wish.model,
                system=wish.system,
                sampling=wish.sampling,
            )
            return _said(conversation, None, text, _owned(user_id, key))
    except IntegrityError:
        return _answer_of(_owned(user_id, key))


def say(
    *, conversation: Conversation, parent: Turn | None, text: str, wish: Wish, key: str
) -> Turn:
    """Go on behind `parent` (or begin anew, where it is None); returns the answer to be written.

    Behind a turn that has a child already this makes a sibling: that is how a message is edited.
    Raises Invalid.
    """
    _check(text)
    key = _owned(conversation.user_id, key)
    try:
        with transaction.atomic():
            _settle(conversation, wish)
            return _said(conversation, parent, text, key)
    except IntegrityError:
        return _answer_of(key)


def answer_again(*, conversation: Conversation, message: Turn, wish: Wish, key: str) -> Turn:
    """Another answer to the same message."""
    key = _owned(conversation.user_id, key)
    try:
        with transaction.atomic():
            _settle(conversation, wish)
            return _unwritten(conversation, message, key)
    except IntegrityError:
        return _answer_of(key)


def take_up(turn: Turn) -> bool:
    """Begin to write an answer; false when it was begun already."""
    return bool(
        Turn.objects.filter(pk=turn.pk, state=Turn.State.WRITING, cost__isnull=True).update(
            cost={}, alive_at=now()
        )
    )


def keep(*, turn_id: int, text: str) -> None:
    """What there is of an answer so far, and that its writer is alive."""
    Turn.objects.filter(pk=turn_id, state=Turn.State.WRITING).update(text=text, alive_at=now())


def finish(
    *, turn_id: int, text: str, state: str, message: str, cost: dict[str, Any], left_out: int
) -> None:
    """The answer as it stays. A conversation that was deleted meanwhile stays deleted."""
    Turn.objects.filter(pk=turn_id, state=Turn.State.WRITING).update(
        text=text, state=state, message=message, cost=cost, left_out=left_out, alive_at=now()
    )


def rename(*, conversation: Conversation, title: str) -> None:
    """Raises Invalid."""
    title = " ".join(title.split())
    if not title or len(title) > LONGEST_TITLE:
        raise Invalid(_("A title has 1 to %(most)d characters") % {"most": LONGEST_TITLE})
    Conversation.objects.filter(pk=conversation.pk).update(title=title)


def delete(conversation: Conversation) -> None:
    conversation.delete()


def title_of(text: str) -> str:
    """The first words of a message."""
    line = " ".join(text.split())
    return line if len(line) <= _TITLE_OF_FIRST_WORDS else line[:_TITLE_OF_FIRST_WORDS] + "…"


def _check(text: str) -> None:
    if not text.strip():
        raise Invalid(_("Write a message first"))
    if len(text) > LONGEST_MESSAGE:
        raise Invalid(_("A message has at most %(most)d characters") % {"most": LONGEST_MESSAGE})


def _settle(conversation: Conversation, wish: Wish) -> None:
    conversation.model, conversation.system = wish.model, wish.system
    conversation.sampling, conversation.updated_at = wish.sampling, now()
    conversation.save(update_fields=["model", "system", "sampling", "updated_at"])


def _said(conversation: Conversation, parent: Turn | None, text: str, key: str) -> Turn:
    message = Turn.objects.create(
        conversation=conversation, parent=parent, role=Turn.Role.USER, text=text
    )
    return _unwritten(conversation, message, key)


def _unwritten(conversation: Conversation, message: Turn, key: str) -> Turn:
    return Turn.objects.create(
        conversation=conversation,
        parent=message,
        role=Turn.Role.ASSISTANT,
        state=Turn.State.WRITING,
        model=conversation.model,
        key=key,
    )


def _owned(user_id: int, key: str) -> str:
    """Keys of different members never meet. Raises Invalid."""
    if not 8 <= len(key) <= 40 or not key.isascii():
        raise Invalid(_("The form is not ours; open the page again"))
    return f"{user_id}:{key}"


def _answer_of(key: str) -> Turn:
    return Turn.objects.select_related("conversation").get(key=key)
