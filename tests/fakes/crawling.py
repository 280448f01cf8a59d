"""Sessions without a browser, and crawls that read what they are told."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from brokers.outgoing import Outgoing
from crawlers.accounts import Account
from crawlers.crawl import Read
from crawlers.leases import Lease
from crawlers.progress import Progress


class FakeSession:
    """Counts what it is asked for; `is_aged` makes it old after so many pages."""

    def __init__(self, token: int = 1) -> None:
        self.account = Account(name="mx1", login_email="mx1@example.com")
        self.lease = Lease("mx1", token)
        self.renewed = 0
        self.logged_in = 0
        self.failures: list[BaseException] = []
        self.pages_of_a_browser = 10**9
        self.is_well = True

    async def turn(self) -> None:
        self.lease.check()

    async def renew(self) -> None:
        self.renewed += 1

    async def log_in(self) -> None:
        self.logged_in += 1

    async def page_done(self) -> None:
        return None

    def is_old(self, pages: int) -> bool:
        return pages >= self.pages_of_a_browser

    async def keep_failure(self, what: str, error: BaseException, tab: object = None) -> Path:  # noqa: ARG002
        self.failures.append(error)
        return Path("failures") / what.replace(" ", "-")


class FakeSessions:
    """Opens the one session, or fails with `refusal`."""

    def __init__(self, session: FakeSession | None = None) -> None:
        self.session = session or FakeSession()
        self.refusal: Exception | None = None
        self.opened = 0

    @asynccontextmanager
    async def open(self, region: str, account: str | None = None) -> AsyncIterator[FakeSession]:  # noqa: ARG002
        if self.refusal is not None:
            raise self.refusal
        self.opened += 1
        yield self.session


@dataclass
class FakeCrawl:
    """Reads pages by number; `troubles` holds what goes wrong before a page, each once, in order."""

    pages: int = 5
    crawl_id: str = "c-1"
    kind: str = "samples"
    region: str = "MX"
    account_name: str | None = None
    longest: timedelta = timedelta(hours=1)
    troubles: dict[int, list[Exception]] = field(default_factory=dict)
    begun_at: list[int] = field(default_factory=list)
    read_pages: list[int] = field(default_factory=list)

    def resumed(self, place: dict[str, Any]) -> dict[str, Any]:
        return place

    async def read(self, session: Any, place: dict[str, Any], progress: Progress) -> AsyncGenerator[Read, None]:  # noqa: ARG002
        first = int(place.get("page", 1))
        self.begun_at.append(first)
        for page in range(first, self.pages + 1):
            if self.troubles.get(page):
                raise self.troubles[page].pop(0)
            self.read_pages.append(page)
            progress.pages += 1
            progress.place = f"page {page}"
            rows = [{"number": page}]
            yield Read([page_of(page)], {"page": page + 1}, rows)


def page_of(page: int) -> Outgoing:
    """Return what a fake page says."""
    return Outgoing(exchange="samples.topic", key="samples.ingest", body=b"{}", message_id=f"page-{page}")


class FakeSink:
    """Keeps the rows it is given."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def add(self, crawl_id: str, page_id: str, rows: Sequence[dict[str, Any]]) -> None:  # noqa: ARG002
        self.rows += rows
