"""`python -m mesh.bench.client`: posts a load over keep-alive connections, each of which waits for its answer.

A client of our own and not a load tool, because every post has a number, every answer must be the wanted one, and none
may be under way when the clock stops: only so can the queue be compared with what was answered. It writes bytes that
were made before and looks at the status and the length of what comes back, so that it costs a small part of what it
measures; what it costs is told.
"""

import asyncio
import gc
import re
import time
from collections.abc import Iterator
from typing import cast

import uvloop

from mesh.bench.load import SAMPLES, Load, Stopwatch, Told, bodies, tell
from publishers.gateway import auth, chatbot, samples

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Failed(RuntimeError):
    """An answer was not the wanted one, or a connection was lost."""


class Posts:
    """The posts of one phase: handed out to whichever connection is free, until the last is answered."""

    def __init__(self, requests: list[bytes], wanted: bytes) -> None:
        self.wanted = wanted
        self.latencies: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left: Iterator[bytes] = iter(requests)
        self._missing = len(requests)

    def next(self) -> bytes | None:
        """Return the next request, None if all are handed out."""
        return next(self._left, None)

    def answered(self, seconds: float) -> None:
        """Note an answer."""
        self.latencies.append(seconds)
        self._missing -= 1
        if not self._missing and not self.done.done():
            self.done.set_result(None)

    def failed(self, reason: str) -> None:
        """End the phase as useless."""
        if not self.done.done():
            self.done.set_exception(Failed(reason))


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one post under way."""

    def __init__(self) -> None:
        self._posts: Posts | None = None
        self._read = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, posts: Posts) -> None:
        """Post as long as there is something to post."""
        self._posts = posts
        self._post(posts)

    def end(self) -> None:
        """Expect nothing more: a connection that is lost now is nobody's failure."""
        self._posts = None

    def data_received(self, data: bytes) -> None:
        """Take an answer, or a part of one, and post the next."""
        posts = self._posts
        assert posts is not None
        read = self._read + data if self._read else data
        head, separator, rest = read.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not separator or length is None or len(rest) < int(length[1]):
            self._read = read
            return
        self._read = b""
        posts.answered(time.perf_counter() - self._began)
        if head[9:12] == posts.wanted:
            self._post(posts)
        else:
            posts.failed(f"answered {read[:500]!r}")

    def connection_lost(self, _: Exception | None) -> None:
        """Fail the phase: servers here keep their connections."""
        if self._posts is not None:
            self._posts.failed("a connection was lost")

    def _post(self, posts: Posts) -> None:
        if (request := posts.next()) is not None:
            self._began = time.perf_counter()
            self._transport.write(request)


def _requests(load: Load) -> list[bytes]:
    path = samples.PATH if load.kind == SAMPLES else chatbot.PATH
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{load.address}\r\nContent-Type: application/json\r\n"
        f"{auth.HEADER}: {load.token}\r\nPrefer: respond-async\r\nContent-Length: "
    ).encode()
    return [head + str(len(body)).encode() + b"\r\n\r\n" + body for body in bodies(load)]


async def _phase(connections: list[Connection], posts: Posts) -> None:
    for each in connections:
        each.begin(posts)
    await posts.done


async def sent(load: Load) -> Told:
    """Post a load and tell how long it took; raises Failed for any answer but the wanted one."""
    requests, wanted = _requests(load), b"202" if load.kind == SAMPLES else b"200"
    loop = asyncio.get_running_loop()
    opened = [await loop.create_connection(Connection, "127.0.0.1", int(load.address)) for _ in range(load.connections)]
    connections = [connection for _, connection in opened]
    if load.warm_up:
        await _phase(connections, Posts(requests[: load.warm_up], wanted))
    posts = Posts(requests[load.warm_up :], wanted)
    watch = Stopwatch(load.watched)
    await _phase(connections, posts)
    watch.latencies = posts.latencies
    told = watch.told()
    for transport, connection in opened:
        connection.end()
        transport.close()
    return told


if __name__ == "__main__":
    gc.disable()  # twenty thousand requests in memory are no garbage, and looking for some would be felt in the tail
    tell(lambda load: uvloop.run(sent(load)))
