"""The browsers of `mesh demo`: a crawl of a local seller centre, and reminders that are typed into its chat.

Like the rest of the demo it plays the strangers' part: a crawl asked for over AMQP, a seller centre that is asked what
its creators were sent.
"""

import asyncio
import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import aiormq.abc

from brokers.topology import CRAWL_SAMPLES
from mesh.demo_relay import ROOT, Finding
from mesh.embedded.process import ChildProcess, free_port, port_answers
from mesh.running import RunningMesh

#: Completed sample requests of the seller centre; each calls for a reminder of a text and a link.
SAMPLES: Final = 5
PATIENCE: Final = 60.0
_ASKED: Final = b"GET /_sandbox/counts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_START: Final = timedelta(seconds=30)

Rows = Callable[[str], list[Any]]


@asynccontextmanager
async def seller_centre(folder: Path) -> AsyncIterator[str]:
    """Run the local seller centre, and give its address."""
    port, child = free_port(), ChildProcess("sandbox-seller-centre", folder)
    words = ["--port", str(port), "--samples", str(SAMPLES), "--creators", "40"]
    command = [sys.executable, "-m", "deploy.sandbox.seller_centre", *words]
    try:
        await child.spawn(command, {**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT)
        await child.wait_ready(lambda: port_answers(port, say=_ASKED, expect=b"HTTP/1.1 200"), _START)
        yield f"http://127.0.0.1:{port}"
    finally:
        await child.stop()


class BrowserDemonstration:
    """The worker begins anew with a browser for hands; then a crawl of a few samples leads to as many conversations."""

    def __init__(self, mesh: RunningMesh, site: str, rows: Rows) -> None:
        """`rows` asks the mesh's database."""
        self._mesh = mesh
        self._site = site
        self._rows = rows

    async def crawl(self, channel: aiormq.abc.AbstractChannel) -> list[Finding]:
        """Ask for a crawl, and wait until every sample is stored."""
        await self._take_up_browsers()
        began, before = time.monotonic(), self._count(_SAMPLES)
        await channel.basic_publish(
            json.dumps({"tab": "completed", "region": "MX", "scanAllPages": True, "expandViewContent": False}).encode(),
            exchange=CRAWL_SAMPLES.exchange,
            routing_key=CRAWL_SAMPLES.name,
        )
        stored = await self._until(lambda: self._count(_SAMPLES) - before, SAMPLES)
        return [(f"samples read in a browser, stored after {time.monotonic() - began:.1f} s", SAMPLES, stored)]

    async def chat(self) -> list[Finding]:
        """Wait until what the samples call for was typed, and ask the seller centre what its creators were sent."""
        began = time.monotonic()
        sent = await self._until(lambda: self._count(_TYPED), SAMPLES)
        seconds = time.monotonic() - began
        tally = await asyncio.to_thread(self._asked, "/_sandbox/chat/counts")
        return [
            (f"reminders typed into the chat, each seen to arrive, after {seconds:.1f} s", SAMPLES, sent),
            ("bubbles that the creators see, of them repeats", (2 * SAMPLES, 0), (tally["messages"], tally["repeats"])),
            ("outcomes on the schedules", {"sent": SAMPLES}, dict(self._rows(_OUTCOMES))),
        ]

    async def _take_up_browsers(self) -> None:
        """Start the worker again with other settings, as an operator would."""
        worker = self._mesh.roles["worker"]
        worker.reconfigure(MESH_CHATBOT_SENDER="browser", MESH_SITE_URL=self._site, MESH_CRAWL_STEPS_PER_MINUTE="0")
        before = worker.pid
        os.kill(before, signal.SIGTERM)  # who keeps it up starts it again
        await self._until(lambda: int(worker.pid != before and worker.is_running), 1)

    def _count(self, query: str) -> int:
        return int(self._rows(query)[0][0] or 0)

    async def _until(self, count: Callable[[], int], wanted: int) -> int:
        deadline = time.monotonic() + PATIENCE
        while (found := count()) < wanted and time.monotonic() < deadline:  # noqa: ASYNC110 -- SQL tells nobody
            await asyncio.sleep(0.1)
        return found

    def _asked(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._site}{path}", timeout=10) as answer:  # noqa: S310 -- our own loopback
            return json.load(answer)


_SAMPLES = "SELECT COUNT(*) FROM samples"
_TYPED = "SELECT COUNT(*) FROM chatbot_deliveries WHERE state = 'sent' AND sender = 'browser'"
#: The last run of each schedule of what was crawled, with what became of it.
_OUTCOMES = """
SELECT d.state, COUNT(*) FROM sample_chatbot_schedules s
JOIN chatbot_deliveries d ON d.sample_id = s.sample_id AND d.scenario = s.scenario AND d.run = s.run_count
WHERE d.sender = 'browser' GROUP BY d.state
"""
