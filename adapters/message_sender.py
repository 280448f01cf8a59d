"""The chat senders that need nothing but themselves, and all senders' names."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext

import structlog

from schemas.chatbot.messages import ChatTask
from schemas.chatbot.sending import MessageSender, Receipt, Send

log = structlog.get_logger()


class DevelopmentSender:
    """Reaches nobody: it writes to the log what would have been sent, and its receipts say so."""

    name = "development"

    def ready(self, task: ChatTask) -> AbstractAsyncContextManager[Send]:  # noqa: ARG002 -- it always is
        """Wait for nothing."""
        return nullcontext(self.send)

    async def send(self, task: ChatTask) -> Receipt:
        """Log the task and call it sent."""
        log.info(
            "chat_task_logged_instead_of_sent",
            sender=self.name,
            region=task.region,
            platform_creator_id=task.platform_creator_id,
            outreach_task_id=task.outreach_task_id,
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
