"""Where a process that asked something of a worker hears the answer: an exclusive queue of its own."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiormq
import aiormq.abc

from brokers.link import BROKEN, Link, told_as_broken
from brokers.verdict import Unavailable

OPEN_SECONDS = 5.0  # a caller waits meanwhile, and can do without an answer


class Answer:
    """The answer to one message, when it comes."""

    def __init__(self, reply_to: str | None, future: "asyncio.Future[bytes]") -> None:
        self.reply_to = reply_to
        self._future = future

    async def wait(self, timeout: timedelta) -> bytes | None:  # noqa: ASYNC109 - the caller's patience is data here
        """Return the body of the answer, or None if there was none in time."""
        done, _ = await asyncio.wait({self._future}, timeout=timeout.total_seconds())
        return self._future.result() if done else None


class Answers:
    """Hands out answers by message id; lost ones are only lost to the waiting caller, never to the mesh.

    The queue is exclusive: the broker deletes it with the connection, and the next question declares another.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._waiting: dict[str, list[asyncio.Future[bytes]]] = {}
        self._channel: aiormq.Channel | None = None
        self._queue = ""
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def expect(self, message_id: str) -> AsyncIterator[Answer]:
        """Listen for the answer to a message that is about to be published with `reply_to`."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(message_id, []).append(future)
        try:
            yield Answer(await self._address(), future)
        finally:
            self._waiting[message_id].remove(future)
            if not self._waiting[message_id]:
                del self._waiting[message_id]
            future.cancel()

    async def close(self) -> None:
        """Close the connection, and with it the queue."""
        await self._link.close()

    async def _address(self) -> str | None:
        if self._channel is not None and not self._channel.is_closed:
            return self._queue
        async with self._opening:
            if self._channel is None or self._channel.is_closed:
                try:
                    await self._open()
                except (Unavailable, *BROKEN):
                    return None
            return self._queue

    async def _open(self) -> None:
        channel = await self._link.channel()
        name = f"mesh.answers.{uuid.uuid4()}"
        with told_as_broken():
            async with asyncio.timeout(OPEN_SECONDS):
                await channel.queue_declare(name, exclusive=True, auto_delete=True)
                await channel.basic_consume(name, self._on_message, no_ack=True)
        self._channel, self._queue = channel, name

    async def _on_message(self, message: aiormq.abc.DeliveredMessage) -> None:
        for future in self._waiting.get(message.header.properties.correlation_id or "", []):
            if not future.done():
                future.set_result(message.body)
