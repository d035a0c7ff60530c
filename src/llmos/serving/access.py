"""Conversations belong to the member who has them; administrators see none but their own."""

from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.kit.errors import Unauthenticated
from llmos.serving.errors import ConversationNotFound
from llmos.serving.models import Conversation, Turn


def conversation_for(viewer: Viewer, conversation_id: str) -> Conversation:
    """Raises Unauthenticated, and ConversationNotFound for missing and others' alike."""
    if viewer.user_id is None:
        raise Unauthenticated(_("Sign in to chat"))
    found = Conversation.objects.filter(pk=conversation_id, user_id=viewer.user_id).first()
    if found is None:
        raise ConversationNotFound
    return found


def turn_of(conversation: Conversation, number: int | None, *, role: str = "") -> Turn:
    """A turn of this conversation (said by this side). Raises ConversationNotFound."""
    turns = Turn.objects.filter(conversation=conversation, pk=number or 0)
    found = (turns.filter(role=role) if role else turns).first()
    if found is None:
        raise ConversationNotFound
    return found
