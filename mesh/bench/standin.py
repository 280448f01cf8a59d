"""A vendor's stand-in as a process beside a benchmark, and what it says it was told."""

import asyncio
import http.client
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from mesh.bench.stage import Place
from mesh.embedded.process import free_port, port_answers

#: What every stand-in takes unless it is told another one.
TOKEN = "sandbox-token"  # noqa: S105 - it opens nothing
#: How long the far end of a fast line takes; a busy platform's servers take a few times that.
LATENCY = timedelta(milliseconds=50)

_READY_WITHIN = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Standin:
    """A running stand-in."""

    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def counts(self) -> dict[str, int]:
        """Return how many calls, events, ids and repeats it has taken."""
        found: dict[str, int] = await self._ask("GET", "/_sandbox/counts")
        return found

    async def last_at(self) -> float:
        """Return the moment, in seconds of the epoch, at which it was last told of an event."""
        return max((float(each["last_at"]) for each in await self._ask("GET", "/_sandbox/events")), default=0.0)

    async def misbehave(self, **faults: Any) -> None:
        """Be slow or faulty from now on."""
        await self._ask("POST", "/_sandbox/faults", faults)

    async def _ask(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return await asyncio.to_thread(self._asked, verb, path, body)

    def _asked(self, verb: str, path: str, body: Mapping[str, Any] | None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(verb, path, orjson.dumps(body) if body is not None else None)
            return orjson.loads(connection.getresponse().read())
        finally:
            connection.close()


@asynccontextmanager
async def standing_in(place: Place, vendor: str, latency: timedelta = LATENCY) -> AsyncIterator[Standin]:
    """Run a vendor's stand-in, which answers after `latency`."""
    port = free_port()
    async with place.process(vendor, (f"deploy.sandbox.{vendor}", "--port", str(port))):
        async with asyncio.timeout(_READY_WITHIN.total_seconds()):
            while not await port_answers(port):  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.05)
        standin = Standin(port)
        await standin.misbehave(latency_ms=latency / timedelta(milliseconds=1))
        yield standin
