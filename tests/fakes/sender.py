"""A message sender that keeps what it sent and fails as told."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from schemas.chatbot.messages import ChatTask
from schemas.chatbot.sending import Receipt, Send


class FakeSender:
    """`fails(task)` returns what to raise instead of sending, if anything; `watch` is called before each send.

    `is_unready` says the same of getting ready.
    """

    name = "fake"

    def __init__(self) -> None:
        self.sent: list[ChatTask] = []
        self.fails: Callable[[ChatTask], BaseException | None] = lambda _: None
        self.is_unready: Callable[[ChatTask], BaseException | None] = lambda _: None
        self.watch: Callable[[], None] = lambda: None
        self.readied = 0

    @property
    def texts(self) -> list[str]:
        return [message.content for task in self.sent for message in task.messages]

    @asynccontextmanager
    async def ready(self, task: ChatTask) -> AsyncIterator[Send]:
        if failure := self.is_unready(task):
            raise failure
        self.readied += 1
        yield self.send

    async def send(self, task: ChatTask) -> Receipt:
        self.watch()
        if failure := self.fails(task):
            raise failure
        self.sent.append(task)
        return Receipt(self.name, reference=f"fake-{len(self.sent)}")
