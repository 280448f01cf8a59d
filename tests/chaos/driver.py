"""Publishes numbered samples at a steady rate, by HTTP and by AMQP, and remembers what it was told of each."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from brokers.link import Link
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.verdict import Verdict
from tests.chaos.fleet import TOKEN

HEADERS = {"X-INFound-Inner-Service-Token": TOKEN, "Content-Type": "application/json"}
MOST = 3000  # messages a scenario may publish
REPEATED = 0.15  # of the messages are published twice under one identity


@dataclass(slots=True)
class Operation:
    """One message: what it says, how it travels, and whether somebody took responsibility for it."""

    number: int
    product: str
    creator: str
    by_http: bool
    is_reminded: bool
    message_id: str
    answers: list[str] = field(default_factory=list)
    is_acknowledged: bool = False
    is_stored: bool = False
    seconds: float = 0.0

    @property
    def body(self) -> bytes:
        row = {
            "region": "MX",
            "platformProductId": self.product,
            "platformCreatorId": self.creator,
            "platformCreatorUsername": f"@{self.creator}",
            "productName": f"Sample {self.number} 🧪",
            # A finished sample without any content calls for a reminder at once, a running one for none.
            "status": "completed" if self.is_reminded else "in progress",
        }
        return json.dumps({"source": "chaos", "rows": [row]}).encode()


class Driver:
    """A crawler that never insists: a publish that fails is told as such and left."""

    def __init__(self, url: str, amqp_url: str, seed: int, *, http: float = 0.5, reminded: float = 0.3) -> None:
        """`http` of the messages travel by HTTP, `reminded` of them call for a chat message."""
        self.chance = random.Random(seed)
        self.operations: list[Operation] = []
        self.problems: list[str] = []
        self.most = MOST
        self._http_share = http
        self._reminded_share = reminded
        self._repeated_share = REPEATED
        self._seed = seed
        self._client = httpx.AsyncClient(
            base_url=url, headers=HEADERS, timeout=20, trust_env=False, limits=httpx.Limits(max_connections=None)
        )
        self._publisher = Publisher(Link(amqp_url, "chaos driver"))
        self._under_way: set[asyncio.Task[None]] = set()

    def expected(self, count: int) -> list[str]:
        """Return the identities of the next messages."""
        begun = len(self.operations)
        return [self._message_id(number) for number in range(begun, begun + count)]

    def _message_id(self, number: int) -> str:
        return f"chaos-{self._seed}-{number}"

    @property
    def acknowledged(self) -> int:
        return sum(each.is_acknowledged for each in self.operations)

    @asynccontextmanager
    async def load(self, rate: float = 40, *, repeated: bool = True) -> AsyncIterator[None]:
        """Publish for as long as the block lasts, some messages twice, then wait for what is still unanswered."""
        self._repeated_share = REPEATED if repeated else 0
        pacing = asyncio.create_task(self._keep_publishing(rate))
        try:
            yield
        finally:
            pacing.cancel()
            await asyncio.gather(pacing, return_exceptions=True)
            await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        await self._client.aclose()
        await self._publisher.close()

    async def some_time(self, shortest: float, longest: float) -> None:
        """Let a seeded random time pass, so that what comes next comes at no particular moment."""
        await asyncio.sleep(self.chance.uniform(shortest, longest))

    def burst(self, count: int) -> None:
        """Send many messages at once, so that there is work in every hand."""
        for _ in range(count):
            self.begin()

    def begin(self) -> None:
        """Send the next message, without waiting for what becomes of it."""
        operation = self.next_operation()
        for _ in range(1 + (self.chance.random() < self._repeated_share)):
            task = asyncio.create_task(self._send(operation))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Wait until everything sent has its answer."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    async def say_again(self) -> None:
        """Send everything once more under the identities it had, and wait for the answers."""
        await asyncio.gather(*(self._send(operation) for operation in self.operations))

    def next_operation(self) -> Operation:
        """Return the next message, for the caller to send."""
        number = len(self.operations)
        operation = Operation(
            number=number,
            product=f"p{self._seed}-{number}",
            creator=f"c{self._seed}-{number}",
            by_http=self.chance.random() < self._http_share,
            is_reminded=self.chance.random() < self._reminded_share,
            message_id=self._message_id(number),
        )
        self.operations.append(operation)
        return operation

    async def post(self, body: bytes, **headers: str) -> httpx.Response:
        return await self._client.post("/samples/ingest", content=body, headers=headers)

    async def publish(self, body: bytes, **properties: Any) -> None:
        to = {"exchange": "samples.topic", "key": "samples.ingest"}
        await self._publisher.publish(Outgoing(body=body, **to | properties))

    async def _keep_publishing(self, rate: float) -> None:
        while len(self.operations) < self.most:
            self.begin()
            await asyncio.sleep(1 / rate)

    async def _send(self, operation: Operation) -> None:
        began = asyncio.get_running_loop().time()
        try:
            answer = await (self._by_http(operation) if operation.by_http else self._by_amqp(operation))
        except (Verdict, httpx.HTTPError) as error:
            answer = type(error).__name__
        except asyncio.CancelledError:
            # Nobody here cancels a publish: a caller who is told nothing but "cancelled" was told a lie.
            answer = "CancelledError"
            self.problems.append(f"publishing {operation.message_id} was cancelled by the library")
        operation.answers.append(answer)
        operation.seconds = max(operation.seconds, asyncio.get_running_loop().time() - began)
        operation.is_acknowledged |= answer in {"200", "202", "confirmed"}
        operation.is_stored |= answer == "200"

    async def _by_http(self, operation: Operation) -> str:
        headers = {"Idempotency-Key": operation.message_id, "Prefer": "wait=3"}
        answer = await self.post(operation.body, **headers)
        if answer.status_code == 503:
            assert "Retry-After" in answer.headers
        elif answer.status_code not in {200, 202}:
            self.problems.append(f"{operation.message_id}: {answer.status_code} {answer.text[:200]}")
        return str(answer.status_code)

    async def _by_amqp(self, operation: Operation) -> str:
        await self.publish(operation.body, message_id=operation.message_id)
        return "confirmed"
