"""What it takes to send a chat task: the verbs that the chatbot's handler needs, and what it is told of them."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from schemas.chatbot.messages import ChatTask

#: Why a message of an outreach task was not sent whose creator has written in the chat.
REPLIED: Final = "the creator has replied"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that a task was sent: by whom, and the sender's own reference if it has one."""

    sender: str
    reference: str | None = None


class InDoubt(Exception):
    """Something may have reached the creator, and nobody can tell: it must not be sent again by itself."""


#: Writes the messages of a task to its creator, in their order, and returns once every one is in the creator's chat.
#:
#: It raises Retryable when nothing was sent and a later try may succeed, Reject when it never can, Unavailable when the
#: sender itself cannot work at all. Whatever else it raises, InDoubt above all, leaves open whether the creator saw
#: something.
Send = Callable[[ChatTask], Awaitable[Receipt]]


class MessageSender(Protocol):
    """Whoever can write to creators."""

    @property
    def name(self) -> str:
        """What operators and delivery records call this sender."""

    def ready(self, task: ChatTask) -> AbstractAsyncContextManager[Send]:
        """Give what sends the task at once while inside; who has to wait for that waits here, and has begun nothing.

        On the way in it raises as sending does, and nothing that leaves a doubt.
        """
