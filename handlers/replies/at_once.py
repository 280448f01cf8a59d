"""Answers a message in the transaction that takes it in, where nothing has to be waited for and nothing is promised."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from handlers.replies.composing import Answers, Composed, composed, read_here
from handlers.replies.scene import Scene
from handlers.replies.turns import Asked, asked
from persistence.uow import Transaction
from schemas.replies.intents import Intent
from schemas.replies.records import ChatMessage, Thread, WebhookEvent

#: What was said before that is another conversation.
REMEMBERED: Final = timedelta(hours=24)
#: What changes something that is not the conversation's own: a piece that two want makes one of them try again, and
#: nobody else's message with it.
_PROMISES: Final = frozenset({Intent.HOLD, Intent.RELEASE, Intent.BUY, Intent.WAIT, Intent.CONFIRM})


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A message that can be answered at once: its conversation was at rest, and waits for nobody."""

    thread: Thread
    said: ChatMessage
    turns: Sequence[Asked]

    async def answered(self, tx: Transaction, event: WebhookEvent, answers: Answers) -> Composed:
        """Return the answer to the message, with nothing of it stored."""
        readings = [await read_here(answers, each.text) for each in self.turns if each.routed is None]
        history = await self._history(tx, answers) if readings else ()
        scene = Scene(tx, self.thread, self.said.created_at, answers.policy, history, event.message_id)
        return await composed(scene, [event], self.turns, readings, answers)

    async def _history(self, tx: Transaction, answers: Answers) -> Sequence[ChatMessage]:
        thread, now = self.thread, self.said.created_at
        if thread.created_at == now:  # it begins with this message
            return ()
        most = answers.context_messages
        recent = await tx.chat.recent(thread.conversation_id, since=now - REMEMBERED, limit=most)
        return [each for each in recent if each.content]


def at_once(thread: Thread, said: ChatMessage, answers: Answers) -> AtOnce | None:
    """Return a message as one that can be answered at once; None where a model is to read it, or it asks for more."""
    turns = asked([said], thread, said.created_at)
    if answers.model is not None and any(each.routed is None for each in turns):
        return None
    if any(each.routed is not None and each.routed.intent in _PROMISES for each in turns):
        return None
    return AtOnce(thread, said, turns)
