"""A local seller centre in this process, and what drives it: browsers, sessions, crawlers."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import psutil

from brokers.outgoing import Outgoing
from crawlers.accounts import Accounts, local_account
from crawlers.browser import BrowserWishes
from crawlers.chat_sender import BrowserSender
from crawlers.codes import OutboxCodes
from crawlers.crawl import Crawler
from crawlers.cursors import Cursors
from crawlers.failures import Failures
from crawlers.leases import FileLeases
from crawlers.pace import Politeness
from crawlers.pauses import Pauses
from crawlers.publishing import Outlet
from crawlers.saved import SavedSessions
from crawlers.session import Sessions
from crawlers.shelf import FileShelf
from deploy.sandbox.seller_centre.accounts import COOKIE
from deploy.sandbox.seller_centre.app import SellerCentre
from deploy.sandbox.seller_centre.world import World
from tests.build.sandbox import standing_in
from tests.fakes.publisher import FakePublisher

#: Long enough for a loaded machine, short enough for a test that waits for it.
PATIENCE = timedelta(seconds=10)


@dataclass
class Driven:
    """A seller centre at `url` and everything that a crawler has, in `folder`."""

    centre: SellerCentre
    url: str
    folder: Path
    publisher: FakePublisher = field(default_factory=FakePublisher)
    accounts: tuple[str, ...] = ("mx1",)
    wishes: BrowserWishes = field(default_factory=lambda: BrowserWishes(patience=PATIENCE))

    @property
    def shelf(self) -> FileShelf:
        return FileShelf(self.folder / "shelf")

    @property
    def pauses(self) -> Pauses:
        return Pauses(self.shelf)

    @property
    def failures(self) -> list[Path]:
        """The failures that were kept, the oldest first."""
        folder = self.folder / "failures"
        return sorted(folder.iterdir()) if folder.exists() else []

    async def log_in(self) -> None:
        """Leave a session of the first account, as a browser of yesterday would have saved it."""
        account = local_account(self.url, name=self.accounts[0])
        known = self.centre.accounts
        known.send_code(account.email)
        value = known.log_in(account.email, known.mails.pop()["subject"].split()[0])
        cookie = {"name": COOKIE, "value": value, "domain": "127.0.0.1", "path": "/", "expires": -1}
        marks = {"httpOnly": True, "secure": False, "sameSite": "Lax"}
        await SavedSessions(self.shelf).save(account, {"cookies": [cookie | marks], "origins": []}, token=0)

    def sessions(self, **values: Any) -> Sessions:
        made: dict[str, Any] = {
            "accounts": Accounts([local_account(self.url, name=name) for name in self.accounts]),
            "leases": FileLeases(self.folder / "leases"),
            "pauses": self.pauses,
            "saved": SavedSessions(self.shelf),
            "failures": Failures(self.folder / "failures"),
            "wishes": self.wishes,
            "politeness": Politeness(per_minute=0),
            "codes": lambda _, session: OutboxCodes(session.fetch_json),
            "base": self.url,
        }
        return Sessions(**{**made, **values})

    def crawler(self, **values: Any) -> Crawler:
        made: dict[str, Any] = {
            "sessions": self.sessions(),
            "outlet": Outlet(self.publisher, patience=timedelta(seconds=5)),
            "cursors": Cursors(self.shelf),
        }
        return Crawler(**{**made, **values})

    def sender(self, **values: Any) -> BrowserSender:
        made: dict[str, Any] = {"sessions": self.sessions(), "images": self.folder / "images"}
        return BrowserSender(**{**made, **values})

    def creator(self, number: int) -> str:
        """Return a creator's id."""
        return str(self.centre.world.creator(number)["creator_id"])

    def said_to(self, number: int) -> list[tuple[str, str]]:
        """Return what a creator was sent, by type and content, in order."""
        truth = {each["creator_id"]: each["messages"] for each in self.centre.chats.truth()}
        sent = truth.get(self.creator(number), [])
        return [(each["type"], each["content"]) for each in sent if each["from"] == "merchant"]

    def messages(self, key: str) -> list[dict[str, Any]]:
        """Return the bodies of what was published under a key, each message id once, in order."""
        unique: dict[str, Outgoing] = {one.message_id: one for one in self.publisher.published if one.key == key}
        return [orjson.loads(one.body) for one in unique.values()]

    def rows(self, key: str = "samples.ingest") -> list[dict[str, Any]]:
        """Return the rows of all of them."""
        return [row for body in self.messages(key) for row in body["rows"]]


@asynccontextmanager
async def driven(folder: Path, world: World | None = None, *, is_logged_in: bool = False) -> AsyncIterator[Driven]:
    """A seller centre that runs, with nothing wrong; its account may have been logged in before."""
    centre = SellerCentre(world or World(samples=120, creators=60, campaigns=3, products=30))
    async with standing_in(centre) as url:
        site = Driven(centre, url, folder)
        if is_logged_in:
            await site.log_in()
        yield site


@asynccontextmanager
async def a_site(*words: str) -> AsyncIterator[tuple[str, int]]:
    """A seller centre in a process of its own, whose memory and time are not ours; gives its address and its id."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.sandbox.seller_centre", *words), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        yield line.split(" at ")[1].strip(), process.pid
    finally:
        process.terminate()
        await process.wait()


def later(pages: int, then: Callable[[], None]) -> Callable[[Any], None]:
    """Return a watcher that does something once, when so many pages have been read."""
    done = False

    def watch(progress: Any) -> None:
        nonlocal done
        if not done and progress.pages >= pages:
            done = True
            then()

    return watch


def browsers() -> list[psutil.Process]:
    """Return every browser of this process."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [child] if "chrom" in child.name() else []
    return found


def drivers() -> set[int]:
    """Return the process id of each browser, without those of its pages, and of what it has just forked."""
    mains: dict[int, int] = {}
    for each in browsers():
        with contextlib.suppress(psutil.NoSuchProcess):
            words = " ".join(each.cmdline())
            if "--remote-debugging-pipe" in words and "--type=" not in words:
                mains[each.pid] = each.ppid()
    return {pid for pid, parent in mains.items() if parent not in mains}


def kill_browsers() -> None:
    """Kill all of them."""
    for each in browsers():
        each.kill()
