"""`mesh demo`: real input through the whole mesh on this machine, and a table of what came out.

It plays the strangers' part: plain HTTP, a plain AMQP client, plain SQL. Nothing it checks is told to it by the mesh.
"""

import asyncio
import json
import shutil
import sqlite3
import time
import urllib.request
from collections.abc import Callable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiormq
import aiormq.abc
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from brokers.dead import DeadLetter, DeadLetters, Selection
from brokers.link import Link
from brokers.publisher import Publisher
from brokers.topology import QUEUES, SAMPLES_INGEST
from crawlers.browser import can_launch
from mesh import logs
from mesh.console import table
from mesh.demo_crawl import BrowserDemonstration, seller_centre
from mesh.demo_relay import DELIVERIES, RelayDemonstration, environment_of, standing_in
from mesh.demo_replies import RepliesDemonstration
from mesh.demo_replies import environment as environment_of_replies
from mesh.running import RunningMesh, running_mesh
from mesh.up import TOKEN_HEADER, starting
from schemas.clock import utc_now
from settings import Settings

CRAWLED = 5000
PAGE = 200  # rows a message, as a crawler publishes page by page
CHANGED = 100  # samples of the second crawl in each of three new states
PATIENCE = 60.0

#: The status a sample changes to, and the reminder that this calls for.
NEWS = {"Shipped": "shipped", "Content pending": "content_pending", "Completed": "no_content_posted"}

#: A page whose rows have the wrong name: nothing can be done with it until somebody mends it.
POISON = {"source": "demo crawler", "row": [{"platformProductId": "9000000001", "platformCreatorId": "900001"}]}
MENDED = {"source": POISON["source"], "rows": POISON["row"]}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing the demo looked at: what it expected and what it found."""

    what: str
    expected: object
    found: object

    @property
    def is_right(self) -> bool:
        """Whether they are the same."""
        return self.expected == self.found


def run() -> int:
    """Show everything at work; 0 if every outcome was right."""
    console = Console(highlight=False)
    logs.configure("error", "console")
    began = time.monotonic()
    settings = _private()
    folder = settings.data_dir / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    outcomes = asyncio.run(_demonstrate(folder, settings, console))
    rows = [
        ("✓" if each.is_right else "✗", each.what, _said(each.found), None if each.is_right else _said(each.expected))
        for each in outcomes
    ]
    console.print(table("What came out", ["", "what", "found", "expected"], rows))
    wrong = sum(not each.is_right for each in outcomes)
    verdict = f"{wrong} outcomes are not right; logs: {folder / 'logs'}" if wrong else "All as it should be"
    console.print(f"{verdict} ({time.monotonic() - began:.1f} s). `make up` leaves the same mesh running.")
    return int(wrong > 0)


def _private() -> Settings:
    """Return settings without anybody's services: a demonstration must never write into somebody's production."""
    fields = Settings.model_fields
    own = dict.fromkeys(("broker_url", "broker_management_url", "database_url", "redis_url"))
    tiktok = {name: each.get_default() for name, each in fields.items() if name.startswith("tiktok_")}
    return Settings(**own, **tiktok, gateway_port=0, admin_port=0)


async def _demonstrate(folder: Path, settings: Settings, console: Console) -> list[Outcome]:
    environment = {"MESH_CHATBOT_POLL_SECONDS": "0.2", "MESH_CHATBOT_QUIET_HOURS": ""}
    async with AsyncExitStack() as stack:
        with starting(console) as report:
            standins = await stack.enter_async_context(standing_in(folder / "sandbox"))
            site = await stack.enter_async_context(seller_centre(folder / "sandbox"))
            environment |= environment_of(standins) | environment_of_replies()
            mesh = running_mesh(folder, settings, environment=environment, report=report)
            running = await stack.enter_async_context(mesh)
        stack.callback(console.print, "Stopping in order …", style="dim")
        replies = RepliesDemonstration(running)
        with _progress(console) as progress:
            has_browser = await can_launch(settings.chromium_path)
            shown = Demonstration(running, progress, RelayDemonstration(running, standins), replies)
            outcomes = await shown.all(site if has_browser else None)
        if not has_browser:
            console.print("No browser is installed here: the crawl and the typed chat were left out.", style="yellow")
        console.print(replies.told())
        return outcomes


class Demonstration:
    """The steps of the demo, in the order of the table."""

    def __init__(
        self, mesh: RunningMesh, progress: Progress, relay: RelayDemonstration, replies: RepliesDemonstration
    ) -> None:
        self._relay = relay
        self._replies = replies
        self._mesh = mesh
        self._progress = progress
        self._seed = json.loads((files("mesh") / "examples" / "samples-ingest.json").read_text())
        self._database = mesh.folder.path / "mesh.db"

    async def all(self, site: str | None) -> list[Outcome]:
        """Take every step and return what it found; `site` is a seller centre that browsers may crawl."""
        connection = await aiormq.connect(self._mesh.addresses.broker_url)
        channel = await connection.channel()
        try:
            return [
                await self._over_http(),
                await self._over_amqp(channel),
                await self._crawl(channel),
                *await self._second_crawl(channel),
                *await self._poison(channel),
                *await self._marketing_events(),
                *await self._conversation(),
                Outcome("rows in the crawl log", 2 + CRAWLED + CHANGED * len(NEWS) + 1, self._count(_LOGS)),
                *await self._browsers(site, channel),
                Outcome("stray messages", 0, await _depth(channel, "mesh.unrouted")),
            ]
        finally:
            await connection.close()

    async def _over_http(self) -> Outcome:
        """Post the example request; its answer comes after the rows are committed."""
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            f"{self._mesh.addresses.gateway_url}/samples/ingest",
            data=json.dumps(self._seed).encode(),
            headers={TOKEN_HEADER: self._mesh.addresses.service_tokens[0], "Content-Type": "application/json"},
        )
        answer = await asyncio.to_thread(lambda: json.load(urllib.request.urlopen(request, timeout=30)))  # noqa: S310
        return Outcome("POST /samples/ingest", {"inserted": 1, "products": 1}, answer["data"])

    async def _over_amqp(self, channel: aiormq.abc.AbstractChannel) -> Outcome:
        await _say(channel, self._seed)
        logged = await self._until(lambda: self._count(_LOGS), 2, "the same rows over AMQP")
        return Outcome("the same rows over AMQP: samples, log rows", (1, 2), (self._count(_SAMPLES), logged))

    async def _crawl(self, channel: aiormq.abc.AbstractChannel) -> Outcome:
        began = time.monotonic()
        for page in range(0, CRAWLED, PAGE):
            rows = [_row(number, "To review") for number in range(page, page + PAGE)]
            await _say(channel, {"source": "demo crawler", "rows": rows})
        stored = await self._until(lambda: self._count(_SAMPLES) - 1, CRAWLED, "a crawl of 5,000 rows")
        speed = f"{CRAWLED / (time.monotonic() - began):,.0f} rows/s"
        return Outcome(f"crawl upserted at {speed}", CRAWLED, stored)

    async def _second_crawl(self, channel: aiormq.abc.AbstractChannel) -> list[Outcome]:
        """Crawl some samples again in a new state: each change schedules a reminder, which is due at once."""
        for block, status in enumerate(NEWS):
            numbers = range(block * CHANGED, (block + 1) * CHANGED)
            await _say(channel, {"source": "demo crawler", "rows": [_row(number, status) for number in numbers]})
        wanted = CHANGED * len(NEWS)
        sent = await self._until(lambda: self._count(_SENT), wanted, "reminders delivered to the chatbot")
        by_scenario = dict(self._rows("SELECT scenario, COUNT(*) FROM chatbot_deliveries GROUP BY scenario"))
        counted = await self._until(lambda: self._count(_RUNS), wanted, "runs counted after the confirm")
        parked = self._rows("SELECT parked_reason FROM sample_chatbot_schedules WHERE parked_at IS NOT NULL")
        return [
            Outcome("reminders by scenario", dict.fromkeys(NEWS.values(), CHANGED), by_scenario),
            Outcome("chatbot batches consumed", wanted, sent),
            Outcome("runs counted after their confirm", wanted, counted),
            Outcome(
                "parked, with the reason",
                ["the sample has no platform_creator_id"],
                [reason for (reason,) in parked],
            ),
        ]

    async def _poison(self, channel: aiormq.abc.AbstractChannel) -> list[Outcome]:
        """Publish what nobody can read, find it parked with its reason, mend it and send it back."""
        await _say(channel, POISON)
        async with asyncio.timeout(PATIENCE):
            while not await _depth(channel, SAMPLES_INGEST.dead):  # noqa: ASYNC110 - a depth can only be asked for
                await asyncio.sleep(0.1)
        link = Link(self._mesh.addresses.broker_url, "mesh demo")
        publisher = Publisher(Link(self._mesh.addresses.broker_url, "mesh demo publish"))
        dead = DeadLetters(link, publisher, QUEUES, utc_now)
        try:
            letters = [letter async for letter in dead.letters(Selection(queue=SAMPLES_INGEST.name))]
            await dead.redrive(Selection(group=letters[0].group), _at_once, json.dumps(MENDED).encode())
        finally:
            await publisher.close()
            await link.close()
        stored = await self._until(
            lambda: self._count("SELECT COUNT(*) FROM samples WHERE platform_product_id = '9000000001'"), 1, "redriven"
        )
        return [
            Outcome("poison, parked with the reason", "rows: Field required", letters[0].reason),
            Outcome("mended and redriven: rows in SQL", 1, stored),
            Outcome("dead letters left", 0, await _depth(channel, SAMPLES_INGEST.dead)),
        ]

    async def _marketing_events(self) -> list[Outcome]:
        """Post a page of events that go to several vendors, and wait until each was told each."""
        posted = [Outcome(*each) for each in await self._relay.post()]
        delivered = await self._until(lambda: self._count(_DELIVERED), DELIVERIES, "marketing events delivered")
        by_status = self._rows("SELECT status, COUNT(*) FROM marketing_events GROUP BY status")
        return [
            *posted,
            Outcome("deliveries of its events", DELIVERIES, delivered),
            Outcome("events by what became of them", {"delivered": 3}, dict(by_status)),
            *[Outcome(*each) for each in await self._relay.arrived()],
        ]

    async def _conversation(self) -> list[Outcome]:
        """Let a customer write in TikTok, from a greeting to an order."""
        task = self._progress.add_task("a customer's conversation in TikTok", total=1)
        found = await self._replies.talk()
        self._progress.update(task, completed=1)
        return [Outcome(*each) for each in found]

    async def _browsers(self, site: str | None, channel: aiormq.abc.AbstractChannel) -> list[Outcome]:
        """Crawl a seller centre in a browser, and let a browser type the reminders that follow from it."""
        if site is None:
            return []
        shown = BrowserDemonstration(self._mesh, site, self._rows)
        task = self._progress.add_task("a crawl and its conversations, in a browser", total=2)
        found = await shown.crawl(channel)
        self._progress.update(task, completed=1)
        found += await shown.chat()
        self._progress.update(task, completed=2)
        return [Outcome(*each) for each in found]

    def _count(self, query: str) -> int:
        return int(self._rows(query)[0][0] or 0)

    def _rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    async def _until(self, count: Callable[[], int], wanted: int, what: str) -> int:
        """Wait for a count, on a progress bar; return what it was when it was reached or patience ended."""
        task = self._progress.add_task(what, total=wanted)
        deadline = time.monotonic() + PATIENCE
        while (found := count()) < wanted and time.monotonic() < deadline:
            self._progress.update(task, completed=found)
            await asyncio.sleep(0.1)
        self._progress.update(task, completed=found)
        return found


_SAMPLES = "SELECT COUNT(*) FROM samples"
_LOGS = "SELECT COUNT(*) FROM sample_crawl_logs"
_SENT = "SELECT COUNT(*) FROM chatbot_deliveries WHERE state = 'sent'"
_DELIVERED = "SELECT COUNT(*) FROM deliveries WHERE state = 'delivered'"
_RUNS = "SELECT SUM(run_count) FROM sample_chatbot_schedules"


def _said(value: object) -> str:
    """Return a value in few words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {value[name]}" for name in sorted(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _row(number: int, status: str) -> dict[str, Any]:
    return {
        "platformProductId": f"17294{number:014d}",
        "platformCampaignId": "7563877506852587284",
        "platformCampaignName": "Holiday Sample",
        "productName": f"Clay mask {number}",
        "region": "MX",
        "status": status,
        "stock": "1,240",
        "postRate": "54%",
        "platformCreatorId": f"74950{number:014d}",
        "platformCreatorUsername": f"lupita.{number}",
        "platformCreatorDisplayName": f"Lupita {number} 🌵",
    }


async def _say(channel: aiormq.abc.AbstractChannel, body: dict[str, Any]) -> None:
    """Publish as any crawler may: a body and a key, nothing else."""
    await channel.basic_publish(
        json.dumps(body).encode(), exchange=SAMPLES_INGEST.exchange, routing_key=SAMPLES_INGEST.name
    )


async def _depth(channel: aiormq.abc.AbstractChannel, queue: str) -> int:
    return int((await channel.queue_declare(queue, passive=True)).message_count or 0)


async def _at_once(_: DeadLetter) -> None:
    return


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
