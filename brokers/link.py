"""One connection to RabbitMQ that is made when needed and made again when lost, to whichever node answers."""

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar, cast
from urllib.parse import quote, urlsplit, urlunsplit

import aiormq
import aiormq.abc
import structlog
from aiormq.exceptions import AMQPError

from brokers.reading import Connection
from brokers.verdict import Unavailable
from brokers.wire import accept_anything

log = structlog.get_logger()

C = TypeVar("C", bound=aiormq.Channel)

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
# aiormq gives up a link that was silent for three times this and a second each: 27 s, where TCP alone takes 11 minutes.
HEARTBEAT_SECONDS = 8

#: What a broken connection or channel may raise. aiormq fails with StopAsyncIteration where a proxy in between hangs up
#: before the greeting, and rejects some waiters with a RuntimeError.
BROKEN = (AMQPError, OSError, EOFError, StopAsyncIteration, RuntimeError)


@contextmanager
def told_as_broken() -> Iterator[None]:
    """Raise a ConnectionError where aiormq fails whoever waits for a closed channel with a nameless or foreign error.

    It says CancelledError where it closed the channel itself, a bare Exception where it does not know why. A consumer
    or a relay would end by either; only a task that somebody does cancel may end as cancelled.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionError("the channel was closed while it was waited for") from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise ConnectionError("the channel was lost while it was waited for") from error


class Link:
    """A lazily made connection; `channel()` connects first if need be.

    Of several addresses, those of a cluster's nodes, it begins with any, so that connections spread, and takes the next
    one whenever a node does not answer.
    """

    def __init__(self, urls: str, name: str) -> None:
        """`urls` is one address or several, comma-separated; `name` is what the broker's pages call this connection."""
        self._urls = [_with_options(url, name) for url in addresses(urls)]
        random.shuffle(self._urls)
        accept_anything()
        self.name = name
        self.version: tuple[int, ...] = ()
        self._connection: aiormq.abc.AbstractConnection | None = None
        self._lock = asyncio.Lock()

    async def channel(self) -> aiormq.Channel:
        """Open a channel. Raises Unavailable while the broker is away."""
        return await self.opened(_plain)

    async def opened(self, opening: Callable[[aiormq.abc.AbstractConnection], Awaitable[C]]) -> C:
        """Open a channel in a way of its own. Raises Unavailable while the broker is away."""
        try:
            with told_as_broken():
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await opening(await self._connected())
        except BROKEN as error:
            raise Unavailable(f"the broker is away: {error!r}") from error

    async def probe(self) -> None:
        """Raise Unavailable unless the broker answers."""
        await leave(await self.channel())

    async def close(self) -> None:
        """Close the connection if there is one; never raises for a link that is broken already."""
        connection, self._connection = self._connection, None
        if connection is None or connection.is_closed:
            return
        try:
            with told_as_broken():
                async with asyncio.timeout(CLOSE_SECONDS):
                    await connection.close()
        except BROKEN as error:
            log.debug("link_close_failed", link=self.name, error=repr(error))

    async def _connected(self) -> aiormq.abc.AbstractConnection:
        async with self._lock:
            if self._connection is None or not self._connection.is_opened:
                self._connection = await self._connect()
                self._note_version(self._connection)
            return self._connection

    async def _connect(self) -> aiormq.abc.AbstractConnection:
        """Connect to the first node that answers; one that does not goes to the end of the line."""
        for others in reversed(range(len(self._urls))):
            try:
                with told_as_broken():
                    async with asyncio.timeout(CONNECT_SECONDS / len(self._urls)):
                        connection = Connection(self._urls[0])
                        await connection.connect()
                        return connection
            except BROKEN as error:
                self._urls.append(self._urls.pop(0))
                if not others:
                    raise
                log.warning("broker_node_away", link=self.name, node=_node(self._urls[-1]), reason=repr(error))
        raise ConnectionError("no broker address")

    def _note_version(self, connection: aiormq.abc.AbstractConnection) -> None:
        stated = str(connection.server_properties.get("version", "0"))
        version = tuple(int(part) for part in stated.split("-", maxsplit=1)[0].split(".") if part.isdigit())
        if version != self.version:
            self.version = version
            behaviour = "nack" if self.gives_back_by_nack else "republish"
            log.info("broker_seen", link=self.name, version=stated, gives_back_by=behaviour)

    @property
    def gives_back_by_nack(self) -> bool:
        """Whether a nack leaves the delivery count alone (RabbitMQ 4.3 on).

        https://www.rabbitmq.com/blog/2026/04/23/rabbitmq-4.3-release
        """
        return self.version >= (4, 3)


async def _plain(connection: aiormq.abc.AbstractConnection) -> aiormq.Channel:
    return cast("aiormq.Channel", await connection.channel(publisher_confirms=False))


async def leave(channel: aiormq.abc.AbstractChannel) -> None:
    """Close a channel; never raises for one that is broken already."""
    if channel.is_closed:
        return
    try:
        with told_as_broken():
            async with asyncio.timeout(CLOSE_SECONDS):
                await channel.close()
    except BROKEN as error:
        log.debug("channel_close_failed", error=repr(error))


def addresses(urls: str) -> list[str]:
    """Return the broker's addresses: one, or those of a cluster's nodes, comma-separated."""
    # A password may hold a comma too, so that only one before another address divides.
    return [url.strip() for url in re.split(r",(?=\s*amqps?://)", urls)]


def _node(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _with_options(url: str, name: str) -> str:
    parts = urlsplit(url)
    options = [parts.query] if parts.query else []
    if "heartbeat=" not in parts.query:
        options.append(f"heartbeat={HEARTBEAT_SECONDS}")
    options.append(f"name={quote(name)}")
    path = parts.path or "/"
    return urlunsplit((parts.scheme, parts.netloc, path, "&".join(options), ""))
