"""Crawls are asked for as operators' scripts spell them."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.crawl.messages import LONGEST_CRAWL, CrawlCampaigns, CrawlCreators, CrawlSamples
from schemas.crawl.tabs import Tab, tabs_of


def test_a_sample_crawl_is_read_in_camel_case_and_in_snake_case() -> None:
    camel = {
        "campaignId": 7563,
        "tab": "completed",
        "scanAllPages": True,
        "expandViewContent": "false",
        "maxPages": "3",
    }
    snake = {
        "campaign_id": "7563",
        "tabs": ["Completed"],
        "scan_all_pages": 1,
        "expand_view_content": 0,
        "max_pages": 3,
    }
    assert CrawlSamples.model_validate(camel) == CrawlSamples.model_validate(snake)


def test_what_a_crawl_says_is_what_it_reads() -> None:
    crawl = CrawlSamples.model_validate({"campaignIds": "1, 2 3", "tabs": "all", "exportExcel": True, "region": "mx"})
    assert CrawlSamples.model_validate_json(crawl.model_dump_json()) == crawl
    assert (crawl.campaigns, crawl.region, crawl.tabs) == (["1", "2", "3"], "MX", list(Tab))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"campaignId": ""},
        {"function": "creator", "campaignId": "1"},
        {"campaignId": "1", "tab": "finished"},
        {"campaignId": "1", "tabs": []},
        {"campaignId": "1", "tabs": 7},
        {"campaignId": "1", "maxPages": 0},
    ],
)
def test_a_crawl_of_nothing_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CrawlSamples.model_validate(body)


@pytest.mark.parametrize("body", [{"campaignIds": ["1"]}, {"scanAllPages": "true"}, {"maxPages": 1}])
def test_ids_pages_or_everything_bound_a_crawl(body: dict[str, Any]) -> None:
    assert CrawlSamples.model_validate(body)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("completed", [Tab.COMPLETED]),
        ("Content pending", [Tab.PENDING]),
        ("to_review,ready-to-ship", [Tab.REVIEW, Tab.READY]),
        (["cancel", "Cancelled", "shipped"], [Tab.CANCELED, Tab.SHIPPED]),
        ("ALL", list(Tab)),
    ],
)
def test_a_tab_is_named_by_word_label_or_address(written: Any, expected: list[Tab]) -> None:
    assert tabs_of(written) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, LONGEST_CRAWL),
        ({"max_runtime_seconds": 90}, timedelta(seconds=90)),
        ({"messageTimeoutHours": "2"}, timedelta(hours=2)),
        ({"maxRuntimeHours": 100}, LONGEST_CRAWL),
        ({"maxRuntimeHours": 10**30}, LONGEST_CRAWL),
    ],
)
def test_no_crawl_lasts_for_ever(told: dict[str, Any], expected: timedelta) -> None:
    assert CrawlCampaigns.model_validate(told).longest == expected


def test_a_creator_crawl_is_read_as_portals_write_it() -> None:
    crawl = CrawlCreators.model_validate(
        {
            "task_id": "T-1",
            "region": "MX",
            "brand_name": "Aurela",
            "search_strategy": {"search_keywords": "skincare, soap", "min_fans": "5k", "gmv": ["1k-10k"], "min_GMV": 7},
            "max_creators_to_load": 200,
            "task_metadata": {"task_name": "Aurela January", "only_first": 0},
        }
    )
    assert crawl.keywords == ["skincare", "soap"]
    assert (crawl.search_strategy.min_fans, crawl.search_strategy.min_gmv) == (5000, 7)
    assert CrawlCreators.model_validate_json(crawl.model_dump_json()) == crawl


def test_a_keyword_may_stand_beside_the_strategy() -> None:
    assert CrawlCreators.model_validate({"search_keyword": "soap"}).keywords == ["soap"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [({}, True), ({"campaignIds": ["1"]}, False), ({"campaignId": "1", "scanAllPages": True}, True)],
)
def test_all_campaigns_are_read_unless_some_are_named(told: dict[str, Any], expected: bool) -> None:
    assert CrawlCampaigns.model_validate(told).reads_all_pages is expected
