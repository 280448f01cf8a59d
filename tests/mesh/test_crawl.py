"""A crawl as a command: from its queue, through a real browser, into the queue of samples; page by page, in turns."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from brokers import topology
from brokers.link import Link
from brokers.router import Route
from brokers.worker import Worker
from crawlers.publishing import Outlet
from handlers.crawl.commands import Crawling, crawl_samples
from schemas.clock import utc_now
from tests.build.broker import DRAIN, SmallMesh, eventually, small_mesh
from tests.build.seller_centre import Driven, driven

COMMAND: dict[str, Any] = {
    "function": "sample",
    "tab": "review",
    "region": "MX",
    "scanAllPages": True,
    "expandViewContent": False,
}


async def _fine() -> None:
    return


@asynccontextmanager
async def crawling_worker(mesh: SmallMesh, site: Driven, turn: timedelta) -> AsyncIterator[None]:
    crawler = site.crawler(outlet=Outlet(mesh.publisher), turn=turn)
    worker = Worker(
        [Route(topology.CRAWL_SAMPLES, crawl_samples)],
        {"crawling": Crawling(crawler, site.folder / "exports"), "clock": utc_now},
        link=Link(mesh.url, "test crawls"),
        publisher=mesh.publisher,
        board=mesh.board,
        probe=_fine,
        clock=utc_now,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop, DRAIN))
    try:
        yield
    finally:
        stop.set()
        await running


async def test_a_command_is_crawled_in_turns_and_every_row_is_in_the_queue(vhost: str, tmp_path: Path) -> None:
    async with (
        small_mesh(vhost, topology.CRAWL_SAMPLES, topology.SAMPLES_INGEST) as mesh,
        driven(tmp_path) as site,
        crawling_worker(mesh, site, timedelta(0)),
    ):
        await mesh.say(COMMAND, message_id="command-1")
        pages: dict[str, list[dict[str, Any]]] = {}
        while len(pages) < 3:
            message = await mesh.get("samples.ingest", within=60)
            properties = message.header.properties
            assert properties.message_id is not None
            assert properties.correlation_id == "command-1"
            pages[properties.message_id] = orjson.loads(message.body)["rows"]
        await eventually(lambda: site.centre.counts.seen["logins"] == 1)
    assert sorted(len(rows) for rows in pages.values()) == [20, 50, 50]
    assert len({row["platformProductId"] + row["platformCreatorId"] for rows in pages.values() for row in rows}) > 100


async def test_a_command_that_nobody_can_act_on_is_a_dead_letter_with_its_reason(vhost: str, tmp_path: Path) -> None:
    async with (
        small_mesh(vhost, topology.CRAWL_SAMPLES, topology.SAMPLES_INGEST) as mesh,
        driven(tmp_path) as site,
        crawling_worker(mesh, site, timedelta(minutes=1)),
    ):
        await mesh.say({**COMMAND, "region": "FR"})
        dead = await mesh.get("crawl.samples.dead")
        assert "no enabled account drives region FR" in str(dead.header.properties.headers)
