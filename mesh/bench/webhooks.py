"""`python -m mesh.bench.webhooks`: signed notifications on time, whatever becomes of the ones before.

Each is due at a moment that was fixed before, and its time runs from there: a gateway that is slow cannot slow down
what measures it. The bytes and signatures are made before, so that the sender takes little of the machine.
"""

import asyncio
import contextlib
import gc
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, cast

import orjson
import uvloop

from mesh.bench import distribution
from mesh.bench.pace import LEAD_SECONDS, TICK_SECONDS, arrivals
from publishers.gateway.signature import sign
from publishers.gateway.tiktok import PATH

KEY = "bench-app"
BUSINESS = "biz-sandbox"

#: What customers ask, none of it in words that the router knows: a model is to read it.
ASKED = "my sister wants something warm for the rainy season, number {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many notifications a second, each a message of one of some customers, after a few that are not timed."""

    port: int
    secret: str
    per_second: int
    number: int
    customers: int
    warm_up: int = 200


def notification(number: int, customers: int, at: float) -> bytes:
    """Return what TikTok says of a customer's message."""
    customer = number % customers
    content = {
        "conversation_id": f"cv+{customer}==",
        "message_id": f"mid-{number}",
        "timestamp": int(at * 1000),
        "type": "text",
        "text": {"body": ASKED.format(number)},
        "from": f"customer.{customer}",
        "from_user": {"id": f"usr-{customer}", "role": "personal_account"},
        "to": "philia.demo",
        "to_user": {"id": BUSINESS, "role": "business_account"},
        "message_tag": {"source": "APP"},
    }
    envelope = {"client_key": KEY, "event": "im_receive_msg", "create_time": int(at), "user_openid": BUSINESS}
    return orjson.dumps({**envelope, "content": orjson.dumps(content).decode()})


class _Line(asyncio.Protocol):
    """One connection, with at most one notification under way."""

    def __init__(self, sender: "_Sender") -> None:
        self._sender = sender
        self._due = 0.0
        self._is_busy = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def post(self, request: bytes, due: float) -> None:
        self._due, self._is_busy = due, True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._is_busy:  # an answer is one small packet, and what may come after its head does not matter
            self._is_busy = False
            self._sender.answered(self, data[9:12].decode(), self._due)

    def connection_lost(self, _: Exception | None) -> None:
        if self._is_busy:
            self._sender.answered(None, "lost", self._due)


class _Sender:
    """Posts when it is time, over whichever connection is free; a new one where none is."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: deque[_Line] = deque()
        self.statuses: Counter[str] = Counter()
        self.times: list[float] = []
        self.late: list[float] = []
        self.connections = 0

    async def play(self, requests: Sequence[bytes], per_second: int, seed: int) -> None:
        """Post them all and wait until the last is answered."""
        self.statuses.clear()
        self.times.clear()
        self.late.clear()
        moments = list(islice(arrivals(per_second, seed), len(requests)))
        began, sent = time.perf_counter() + LEAD_SECONDS, 0
        async with asyncio.TaskGroup() as opening:
            while sent < len(requests):
                now = time.perf_counter()
                while sent < len(requests) and began + moments[sent] <= now:
                    due = began + moments[sent]
                    self.late.append(now - due)
                    if self._idle:
                        self._idle.popleft().post(requests[sent], due)
                    else:
                        opening.create_task(self._posted_anew(requests[sent], due))
                    sent += 1
                await asyncio.sleep(TICK_SECONDS)
        async with asyncio.timeout(60):
            while sum(self.statuses.values()) < len(requests):  # noqa: ASYNC110 -- a look costs nothing
                await asyncio.sleep(TICK_SECONDS)

    async def _posted_anew(self, request: bytes, due: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, line = await loop.create_connection(lambda: _Line(self), "127.0.0.1", self._port)
        except OSError:
            self.answered(None, "refused", due)
            return
        self.connections += 1
        line.post(request, due)

    def answered(self, line: _Line | None, status: str, due: float) -> None:
        """Note an answer."""
        self.statuses[status] += 1
        self.times.append(time.perf_counter() - due)
        if line is not None:
            self._idle.append(line)


def _requests(load: Load) -> list[bytes]:
    at = time.time()
    made = []
    for number in range(load.warm_up + load.number):
        body = notification(number, load.customers, at)
        signed = sign(body, load.secret.encode(), int(at))
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{load.port}\r\nContent-Type: application/json\r\n"
            f"TikTok-Signature: {signed}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def sent(load: Load) -> dict[str, Any]:
    """Send a load and tell how it was answered."""
    requests, sender = _requests(load), _Sender(load.port)
    await sender.play(requests[: load.warm_up], max(load.per_second // 5, 1), seed=1)
    await sender.play(requests[load.warm_up :], load.per_second, seed=2)
    return {
        **distribution.told(sender.times),
        "statuses": dict(sender.statuses),
        "sent_late_p99_ms": round(distribution.quantile(sorted(sender.late), 0.99) * 1000, 2),
        "connections": sender.connections,
    }


if __name__ == "__main__":
    gc.disable()  # what is in memory is no garbage, and looking for some would be felt in the tail
    with contextlib.suppress(BrokenPipeError):
        wanted = Load(**orjson.loads(sys.stdin.buffer.read()))
        sys.stdout.buffer.write(orjson.dumps({**uvloop.run(sent(wanted)), "load": asdict(wanted) | {"secret": ""}}))
