"""A publisher and a worker behind it, in memory."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from brokers.outgoing import Outgoing
from brokers.verdict import Unavailable


class FakePublisher:
    """Confirms everything, except while `is_away` and at the places in `refused`."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.is_away = False
        self.refused: set[int] = set()

    async def publish(self, message: Outgoing) -> None:
        if self.is_away:
            raise Unavailable("amqp://guest:hush@broker/ is away")
        self.published.append(message)

    async def publish_many(self, messages: Sequence[Outgoing]) -> list[Exception | None]:
        outcomes: list[Exception | None] = []
        for place, message in enumerate(messages):
            if self.is_away or place in self.refused:
                outcomes.append(Unavailable("not confirmed"))
            else:
                self.published.append(message)
                outcomes.append(None)
        return outcomes

    @property
    def last(self) -> Outgoing:
        return self.published[-1]


class FakeAnswer:
    """Gives what the fake worker says, or nothing after the caller's patience is noted."""

    def __init__(self, worker: "FakeAnswers") -> None:
        self._worker = worker
        self.reply_to = worker.reply_to

    async def wait(self, timeout: timedelta) -> bytes | None:  # noqa: ASYNC109 -- as the real one
        self._worker.waited.append(timeout)
        await asyncio.sleep(0)
        return self._worker.answer


class FakeAnswers:
    """A worker that gives every message the same answer; none by default."""

    def __init__(self) -> None:
        self.answer: bytes | None = None
        self.reply_to: str | None = "mesh.answers.here"
        self.waited: list[timedelta] = []
        self.expected: list[str] = []

    def done(self, result: Any) -> None:
        self.answer = json.dumps({"state": "done", "result": result}).encode()

    def dead(self, reason: str, error: str) -> None:
        self.answer = json.dumps({"state": "dead", "reason": reason, "error": error}).encode()

    @asynccontextmanager
    async def expect(self, message_id: str) -> AsyncIterator[FakeAnswer]:
        self.expected.append(message_id)
        yield FakeAnswer(self)


class FakeSeen:
    """Remembers everything."""

    def __init__(self) -> None:
        self.keys: set[str] = set()

    async def has(self, key: str) -> bool:
        return key in self.keys

    async def note(self, key: str) -> None:
        self.keys.add(key)
