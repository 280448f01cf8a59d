"""How a chat task reaches its creator: the verb that the chatbot's handler needs, and who can do it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from schemas.chatbot.messages import ChatTask

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The proof that a task was sent: by whom, and the sender's own reference if it has one."""

    sender: str
    reference: str | None = None


class MessageSender(Protocol):
    """Writes the messages of a task to its creator, in their order.

    Raises Retryable when nothing was sent and a later try may succeed, Reject when it never can, Unavailable when the
    sender itself cannot work at all. Anything else it raises leaves open whether the creator saw something.
    """

    @property
    def name(self) -> str:
        """What operators and delivery records call this sender."""

    async def send(self, task: ChatTask) -> Receipt:
        """Return once every message of the task is in the creator's chat."""


class DevelopmentSender:
    """Reaches nobody: it writes to the log what would have been sent, and its receipts say so."""

    name = "development"

    async def send(self, task: ChatTask) -> Receipt:
        """Log the task and call it sent."""
        log.info(
            "chat_task_logged_instead_of_sent",
            sender=self.name,
            region=task.region,
            platform_creator_id=task.platform_creator_id,
            messages=[message.content for message in task.messages],
        )
        return Receipt(self.name)


SENDERS: Mapping[str, Callable[[], MessageSender]] = {DevelopmentSender.name: DevelopmentSender}


def message_sender(name: str) -> MessageSender:
    """Return the sender of that name; an unknown one is a ValueError that lists those there are."""
    try:
        return SENDERS[name]()
    except KeyError:
        raise ValueError(f"no message sender is called {name!r}; there is {', '.join(SENDERS)}") from None
