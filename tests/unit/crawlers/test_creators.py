"""The crawl of creators where their pages do not come, and what its task is told, without a browser."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from crawlers.crawl import Read
from crawlers.creators import CreatorsCrawl
from crawlers.errors import SiteFailed
from crawlers.progress import Progress
from crawlers.site import Site
from schemas.crawl.messages import CrawlCreators
from schemas.outreach.messages import ControlOutreach
from tests.fakes.crawling import FakeSession

WHOLE = {"sales": {"gmv": "$1", "items_sold": "2", "gpm": "$3"}}


class Pages:
    """A search that finds ten creators, and their pages; `come` says of whom a page comes."""

    def __init__(self) -> None:
        self.come: set[str] = set()

    async def people(self, *_: object) -> AsyncGenerator[dict[str, Any], None]:
        yield {"list": [{"creator_id": str(number), "handle": f"c{number}"} for number in range(1, 11)], "total": 10}

    async def profile(self, whom: str) -> dict[str, Any]:
        if whom not in self.come:
            raise SiteFailed("500")
        return WHOLE


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    made = Pages()
    monkeypatch.setattr("crawlers.creators.FindCreatorsPage", lambda *_: made)
    monkeypatch.setattr("crawlers.creators.CreatorDetailPage", lambda *_: made)
    return made


async def reading(crawl: CreatorsCrawl, reads: list[Read], done: list[str]) -> None:
    @asynccontextmanager
    async def beside() -> AsyncIterator[None]:
        yield

    session: Any = FakeSession()
    session.tab, session.beside, session.site = None, beside, Site.of("MX", "http://site")
    session.wishes = SimpleNamespace(patience=timedelta(seconds=1))
    reads += [read async for read in crawl.read(session, {"done": done}, Progress("creators"))]


async def test_a_creator_whose_page_does_not_come_is_told_with_what_the_search_told(pages: Pages) -> None:
    pages.come = {str(number) for number in range(1, 11)} - {"2", "3", "5"}
    reads: list[Read] = []
    await reading(CreatorsCrawl(CrawlCreators(), "c-1"), reads, [])
    assert len(reads) == 10
    assert "salesRevenue" not in reads[1].rows[0]


async def test_pages_that_come_of_nobody_are_no_creators_without_figures(pages: Pages) -> None:
    crawl, done = CreatorsCrawl(CrawlCreators(), "c-1"), ["1", "2"]
    crawl.incomplete = 2  # of those two
    for _ in range(2):  # and not two more after each fresh browser
        reads: list[Read] = []
        with pytest.raises(SiteFailed, match="in a row show next to nothing"):
            await reading(crawl, reads, done)
        assert reads == []
    pages.come = {str(number) for number in range(1, 11)}
    reads = []
    await reading(crawl, reads, done)
    assert len(reads) == 8


def test_a_task_is_told_of_a_failure_in_a_message_of_its_own() -> None:
    crawl = CreatorsCrawl(CrawlCreators(task_id="T-1"), "c-1")
    told = crawl.end("T-1", "CannotRead: no filter \ud83d" + "x" * 900)
    read = ControlOutreach.model_validate(orjson.loads(told.body))
    assert (read.action, read.task_id, (read.reason or "")[:22]) == ("end", "T-1", "CannotRead: no filter ")
    assert told.message_id == crawl.end("T-1", "another").message_id != crawl.end("T-1").message_id
