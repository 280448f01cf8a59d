"""What the words of `mesh crawl` ask for, and what its display says."""

import io

import pytest
from rich.console import Console

from crawlers.progress import Progress
from mesh import crawl
from mesh.crawl import WrongWords
from mesh.crawl_display import Display
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples
from schemas.crawl.tabs import Tab


def test_words_become_the_command_that_a_queue_would_carry() -> None:
    command = crawl.samples(
        region="mx", tabs=["completed", "Shipped"], campaigns=["7563"], max_pages=None, expands=True, logistics=False
    )
    assert isinstance(command, CrawlSamples)
    assert (command.region, command.tabs, command.campaigns) == ("MX", [Tab.COMPLETED, Tab.SHIPPED], ["7563"])
    search = crawl.creators(region="MX", keyword="skin", categories=["Health"], min_fans=5000, most=50, task=None)
    assert isinstance(search, CrawlCreators)
    assert (search.keywords, search.search_strategy.min_fans, search.max_creators_to_load) == (["skin"], 5000, 50)
    listed = crawl.campaigns(region="MX", campaigns=[], max_pages=None)
    assert isinstance(listed, CrawlCampaigns)
    assert listed.reads_all_pages


def test_a_word_that_is_no_tab_is_told_with_those_there_are() -> None:
    with pytest.raises(WrongWords, match="there are all, review"):
        crawl.samples(region="MX", tabs=["done"], campaigns=[], max_pages=1, expands=True, logistics=False)


def test_the_same_words_are_the_same_crawl_and_others_another() -> None:
    def made(region: str, pages: int | None) -> str:
        command = crawl.samples(
            region=region, tabs=["review"], campaigns=[], max_pages=pages, expands=True, logistics=False
        )
        return crawl._crawl_of(command).crawl_id

    assert made("MX", None) == made("mx", None)
    assert len({made("MX", None), made("MX", 2), made("ES", None)}) == 3


def test_a_log_is_told_a_line_now_and_then() -> None:
    written = io.StringIO()
    with Display("samples", Console(file=written, width=200)) as display:
        for page in range(50):
            display.show(Progress("samples", "mx1", "reading", f"page {page}", pages=page, rows=page * 50))
    assert written.getvalue().splitlines()[0].startswith("crawl samples: reading, page 0; 0 rows")
    assert len(written.getvalue().splitlines()) == 1


def test_a_terminal_sees_how_far_it_is() -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=120)
    with Display("samples", console) as display:
        display.show(
            Progress("samples", "mx1", "reading", "Completed, page 3 of 9", pages=3, expected=9, rows=150, recoveries=1)
        )
        display._live.refresh()  # type: ignore[union-attr]
    shown = written.getvalue()
    for word in ("mx1", "page 3 of 9", "150 read", "1 gone on from"):
        assert word in shown
