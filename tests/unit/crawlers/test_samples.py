"""The crawl of samples on a list that changes while it is read, and on drawers that fail, without a browser."""

from collections import Counter
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from crawlers.crawl import Read
from crawlers.errors import PageChanged, SiteFailed
from crawlers.progress import Progress
from crawlers.samples import SamplesCrawl
from schemas.crawl.messages import CrawlSamples
from schemas.crawl.tabs import Tab
from tests.fakes.crawling import FakeSession

SIZE = 50


def request(number: int, **more: Any) -> dict[str, Any]:
    return {
        "apply_id": f"a{number}",
        "product_info": {"product_id": str(number + 1)},
        "creator_info": {"oec_id": "7", "user_name": "lupita"},
        **more,
    }


class Site:
    """A list of requests; `drawers` answers for a request's drawer, `after` runs once a page has been told."""

    size = SIZE

    def __init__(self, count: int) -> None:
        self.requests = [request(number) for number in range(count)]
        self.asked: list[int] = []
        self.opened: Counter[str] = Counter()
        self.after: dict[int, Any] = {}
        self.drawers: Any = lambda whose: (whose, [])
        self.is_stuck = False

    def told(self, page: int) -> dict[str, Any]:
        self.asked.append(page)
        shown = self.requests[(page - 1) * SIZE : page * SIZE]
        data = {"total": len(self.requests), "list": [dict(each) for each in shown]}
        self.after.pop(page, lambda: None)()
        return data

    def pages_of(self, data: dict[str, Any]) -> int:
        return max(-(-data["total"] // SIZE), 1)

    async def open_tab(self, tab: Tab) -> dict[str, Any]:  # noqa: ARG002 -- all are alike
        return self.told(1)

    async def has_next(self, data: dict[str, Any], page: int) -> bool:
        return page < self.pages_of(data)

    async def turn(self, page: int) -> dict[str, Any]:
        return self.told(page)

    async def go_to(self, page: int, data: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        page = min(page, self.pages_of(data))
        return page, data if page == 1 else self.told(page)

    async def contents(self, product: str, creator: str, tried: list[float]) -> Any:  # noqa: ARG002 -- products differ
        whose = f"a{int(product) - 1}"
        self.opened[whose] += 1
        return self.drawers(whose)

    async def close_drawers(self) -> None:
        if self.is_stuck:
            raise PageChanged("a drawer does not close")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    made = Site(120)
    monkeypatch.setattr("crawlers.samples.SampleRequestsPage", lambda *_: made)
    return made


def crawl(**wanted: Any) -> SamplesCrawl:
    told = {"tabs": ["completed"], "scanAllPages": True, "expandViewContent": False, **wanted}
    return SamplesCrawl(CrawlSamples.model_validate(told), "c-1")


async def reading(wanted: SamplesCrawl, place: dict[str, Any] | None = None, progress: Any = None) -> list[Read]:
    session = FakeSession()
    session.tab = session.site = None  # type: ignore[attr-defined]
    session.wishes = SimpleNamespace(patience=timedelta(seconds=1))  # type: ignore[attr-defined]
    told = progress or Progress("samples")
    return [read async for read in wanted.read(session, place or {}, told)]  # type: ignore[arg-type]


def products(reads: list[Read]) -> list[int]:
    return [int(row["platformProductId"]) - 1 for read in reads for row in read.rows]


async def test_requests_that_leave_the_list_hide_no_others(site: Site) -> None:
    def leave() -> None:
        del site.requests[:30]

    site.after[1] = leave
    reads = await reading(crawl())
    assert sorted(products(reads)) == list(range(120))
    assert len(products(reads)) == 120  # and none of them is read twice


async def test_a_list_that_has_become_much_shorter_is_gone_on_with_at_its_end(site: Site) -> None:
    site.requests = site.requests[100:]
    reads = await reading(crawl(), {"list": 0, "page": 3, "total": 120})
    assert products(reads) == list(range(100, 120))
    assert reads[-1].next_place == {"list": 1}


async def test_after_a_day_s_rest_a_list_is_gone_on_with_as_many_pages_before_as_have_moved(site: Site) -> None:
    site.requests = [request(number) for number in range(300)]
    first = await reading(crawl(maxPages=4))
    place = first[2].next_place
    assert place == {"list": 0, "page": 4, "total": 300}
    del site.requests[:100]
    rest = await reading(crawl(), crawl().resumed(place))
    assert set(range(150, 300)) <= set(products(rest))


async def test_a_list_that_shrinks_all_the_time_is_read_to_its_end_all_the_same(site: Site) -> None:
    told = site.told

    def shrinking(page: int) -> dict[str, Any]:
        data = told(page)
        site.requests = site.requests[1:]
        return data

    site.told = shrinking  # type: ignore[method-assign]
    reads = await reading(crawl())
    assert reads[-1].next_place == {"list": 1}


async def test_a_drawer_that_fails_costs_its_row_even_where_it_is_the_page_s_only_one(site: Site) -> None:
    def failing(_: str) -> Any:
        raise PageChanged("a drawer does not close")

    site.requests, site.drawers = site.requests[:1], failing
    wanted, progress = crawl(expandViewContent=True), Progress("samples")
    for _ in range(2):
        with pytest.raises(PageChanged):
            await reading(wanted, progress=progress)
    (read,) = await reading(wanted, progress=progress)
    assert (read.rows, read.messages, progress.skipped) == ([], [], 1)


async def test_a_row_that_was_given_up_is_not_tried_again(site: Site) -> None:
    def failing(whose: str) -> Any:
        if whose == "a0":
            raise SiteFailed("500")
        return whose, []

    site.requests, site.drawers, site.is_stuck = site.requests[:2], failing, True
    wanted = crawl(expandViewContent=True)
    for _ in range(3):
        with pytest.raises((SiteFailed, PageChanged)):
            await reading(wanted)
    assert products(await reading(wanted)) == [1]
    assert site.opened == {"a0": 3, "a1": 1}


async def test_what_another_s_drawer_tells_is_credited_to_nobody(site: Site) -> None:
    site.requests, site.drawers = site.requests[:1], lambda _: ("a99", [{"name": "not mine"}])
    with pytest.raises(SiteFailed, match="no row shows"):
        await reading(crawl(expandViewContent=True))


async def test_two_requests_that_look_alike_each_have_their_own_contents(site: Site) -> None:
    alike = [request(0), request(0, apply_id="b0")]
    site.requests = alike

    async def contents(product: str, creator: str, tried: list[float]) -> Any:  # noqa: ARG001 -- both show the same
        whose = alike[len(tried)]["apply_id"]
        tried.append(76.0 * len(tried))
        return whose, [{"name": f"of {whose}", "type": "video", "of_type": 1}]

    site.contents = contents  # type: ignore[method-assign]
    (read,) = await reading(crawl(expandViewContent=True))
    assert [row["promotionName"] for row in read.rows] == ["of a0", "of b0"]


async def test_a_request_without_an_id_of_the_site_stops_a_crawl_of_contents(site: Site) -> None:
    site.requests = [request(0, apply_id="")]
    with pytest.raises(PageChanged, match="apply_id"):
        await reading(crawl(expandViewContent=True))
    assert products(await reading(crawl())) == [0]


async def test_half_a_character_in_one_field_spoils_nothing(site: Site) -> None:
    site.requests = [request(0, product_info={"product_id": "1", "product_name": "Mask \ud83d"})]
    (read,) = await reading(crawl())
    assert read.rows[0]["productName"] == "Mask \ufffd"
    assert orjson.loads(read.messages[0].body)["rows"] == list(read.rows)


async def test_requests_of_another_campaign_that_a_search_also_finds_are_left_out(site: Site) -> None:
    async def search_campaign(campaign: str) -> dict[str, Any]:  # noqa: ARG001 -- finds by a part
        return site.told(1)

    site.search_campaign = search_campaign  # type: ignore[attr-defined]
    mine, others = {"campaign_id": "75", "name": "Mine"}, {"campaign_id": "7563", "name": "Others"}
    site.requests = [request(0, campaign_info=mine), request(1, campaign_info=others)]
    reads = await reading(crawl(campaignId="75"))
    assert products(reads) == [0]
