"""A message sender that keeps what it sent and fails as told."""

from collections.abc import Callable

from adapters.message_sender import Receipt
from schemas.chatbot.messages import ChatTask


class FakeSender:
    """`fails(task)` returns what to raise instead of sending, if anything; `watch` is called before each send."""

    name = "fake"

    def __init__(self) -> None:
        self.sent: list[ChatTask] = []
        self.fails: Callable[[ChatTask], BaseException | None] = lambda _: None
        self.watch: Callable[[], None] = lambda: None

    @property
    def texts(self) -> list[str]:
        return [message.content for task in self.sent for message in task.messages]

    async def send(self, task: ChatTask) -> Receipt:
        self.watch()
        if failure := self.fails(task):
            raise failure
        self.sent.append(task)
        return Receipt(self.name, reference=f"fake-{len(self.sent)}")
