"""What is said of an outreach task is read leniently, and only where it is said."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.outreach.merging import Report, merged
from schemas.outreach.crawling import crawl_of
from schemas.outreach.messages import IngestOutreachTask
from schemas.outreach.records import OutreachTask, TaskStatus
from schemas.outreach.tasks import parse_task
from tests.build.outreach import NOON, stored_task

EXAMPLE = {
    "taskId": "T-1",
    "platform": "tiktok",
    "taskName": "Campaign Outreach",
    "campaignId": "123",
    "campaignName": "Campaign",
    "productId": 456,
    "productName": "Product",
    "region": "MX",
    "brand": "Brand",
    "onlyFirst": 0,
    "taskType": "Connect",
    "status": "running",
    "message": "optional",
    "accountEmail": "account@example.com",
    "searchKeywords": "kw1,kw2",
    "productCategory": ["Beauty & Personal Care"],
    "fansAgeRange": ["18-24"],
    "fansGender": "Female 60%",
    "contentType": ["Video"],
    "gmv": ["1k-10k"],
    "sales": {"10-100": True},
    "minFans": "5k",
    "avgViews": 5000,
    "minEngagementRate": "3%",
    "emailFirstBody": "text",
    "emailLaterBody": {"subject": "s", "body": "text"},
    "targetNewCreators": 50,
    "maxCreators": 500,
    "runAtTime": "2025-01-01 10:00:00",
    "runTime": "00h10min00s",
    "newCreators": 12,
}


def test_every_field_has_its_column() -> None:
    read = parse_task(EXAMPLE)
    assert read.ignored == []
    assert read.columns == {
        "platform": "tiktok",
        "task_name": "Campaign Outreach",
        "platform_campaign_id": "123",
        "platform_campaign_name": "Campaign",
        "platform_product_id": "456",
        "platform_product_name": "Product",
        "region": "MX",
        "brand": "Brand",
        "message_send_strategy": 0,
        "task_type": "Connect",
        "status": TaskStatus.RUNNING,
        "message": "optional",
        "accound_email": "account@example.com",
        "search_keywords": "kw1,kw2",
        "product_categories": ["Beauty & Personal Care"],
        "fans_age_range": ["18-24"],
        "fans_gender": {"raw": "Female 60%"},
        "content_types": ["Video"],
        "gmv_range": {"raw": ["1k-10k"]},
        "sales_range": {"10-100": True},
        "min_fans": 5000,
        "min_avg_views": 5000,
        "min_engagement_rate": 3,
        "first_message": '{"body":"text"}',
        "second_message": '{"body":"text","subject":"s"}',
        "new_creators_expect_count": 50,
        "max_creators": 500,
        "plan_execute_time": datetime(2025, 1, 1, 10, 0),  # noqa: DTZ001  a wall clock of the region
        "spend_time": 600,
        "new_creators_real_count": 12,
    }


@pytest.mark.parametrize("written", ["1, 2", "[1, 2]", ["1", 2], [{"productId": "1"}, {"id": 2}]])
def test_a_list_of_products_comes_in_many_shapes(written: Any) -> None:
    assert parse_task({"productList": written}).columns == {"product_list": ["1", "2"]}


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-12 15:00:00",
        "2026/01/12 15:00:00",
        "20260112_150000",
        "2026-01-12T15:00:00",
    ],
)
def test_a_moment_is_written_in_many_ways(written: str) -> None:
    assert parse_task({"runAtTime": written}).columns == {"plan_execute_time": datetime(2026, 1, 12, 15)}  # noqa: DTZ001


@pytest.mark.parametrize("written", ["2026-01-12", "2026/01/12"])
def test_a_date_is_its_midnight(written: str) -> None:
    assert parse_task({"run_end_time": written}).columns == {"plan_stop_time": datetime(2026, 1, 12)}  # noqa: DTZ001


@pytest.mark.parametrize(
    "field",
    [
        {"runAtTime": "0001-01-01T00:00:00"},
        {"runAtTime": True},
        {"status": "happy"},
        {"onlyFirst": 3},
        {"minFans": "many"},
        {"maxCreators": 2**31},
        {"maxCreators": -1},
        {"productList": 7},
        {"runTime": "soon"},
        {"runTime": 2**53 + 1},
        {"runTime": "99999999999999999999h"},
        {"emailFirstBody": 7},
        {"emailFirstBody": "x" * 30_000},
    ],
)
def test_what_cannot_be_read_is_told_and_left_out(field: dict[str, Any]) -> None:
    read = parse_task(field | {"brand": "Aurela"})
    assert read.columns == {"brand": "Aurela"}
    assert [each.field for each in read.ignored] == list(field)


def test_null_and_unknown_fields_say_nothing() -> None:
    read = parse_task({"brand": None, "emailFirstBody": "", "unknown": 1, "taskId": "T"})
    assert (read.columns, read.ignored) == ({}, [])


def test_the_search_of_a_task_is_the_crawl_it_asks_for() -> None:
    read = parse_task(EXAMPLE)
    read.columns |= {"plan_execute_time": None, "plan_stop_time": NOON}
    crawl = crawl_of(stored_task(**read.columns))
    assert (crawl.task_id, crawl.region, crawl.brand_name, crawl.max_creators_to_load) == ("T-1", "MX", "Brand", 500)
    search = crawl.search_strategy
    assert (search.search_keywords, search.product_category) == (["kw1", "kw2"], ["Beauty & Personal Care"])
    assert (search.gmv, search.sales, search.fans_gender) == (["1k-10k"], ["10-100"], "Female 60%")
    assert (search.min_fans, search.avg_views, search.min_engagement_rate) == (5000, 5000, 3)
    assert crawl.task_metadata is not None
    assert crawl.task_metadata["runEndTime"] == NOON.isoformat()


def test_a_task_that_looks_for_nothing_in_particular_can_be_crawled() -> None:
    assert crawl_of(stored_task(region=None)).max_creators_to_load > 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.from_regex(r"[0-9]{1,30}(h|min|s|K|%)?"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(EXAMPLE)) | st.sampled_from(["runEndTime", "productList"]), JSON))
def test_whatever_is_said_of_a_task_is_read_or_told(said: dict[str, Any]) -> None:
    report = Report(source=None, operator_id=None, observed_at=NOON, now=NOON)
    told = IngestOutreachTask(task=said).task
    task, ignored = merged("T-1", None, parse_task(told), report)
    assert {each.field for each in ignored} <= said.keys()
    assert crawl_of(task).task_id == "T-1"


def test_a_product_without_an_id_of_its_own_is_told_and_no_card() -> None:
    read = parse_task({"productList": [{"title": "x" * 80}], "brand": "Aurela"})
    assert read.columns == {"brand": "Aurela"}
    assert [each.field for each in read.ignored] == ["productList"]


def test_a_planned_time_that_is_null_is_taken_back() -> None:
    def told(stored: OutreachTask, at: datetime, **fields: Any) -> OutreachTask:
        report = Report(source=None, operator_id=None, observed_at=at, now=NOON)
        return merged("T-1", stored, parse_task(fields), report)[0]

    stored = stored_task(plan_execute_time=NOON, plan_stop_time=NOON)
    after = told(stored, NOON, runEndTime=None, taskName=None)
    assert (after.plan_execute_time, after.plan_stop_time, after.task_name) == (NOON, None, "Aurela January")
    assert told(stored, NOON - timedelta(seconds=1), runEndTime=None).plan_stop_time == NOON
    assert told(stored, NOON, runEndTime="", region="FR").plan_stop_time == NOON - timedelta(hours=7)
    assert told(stored, NOON, runEndTime=None, region="FR").plan_stop_time is None


@pytest.mark.parametrize(
    ("told", "searched", "is_told"),
    [
        ({"Female": True, "Male": False}, "Female", False),
        ({"gender": "Female"}, "Female", False),
        ("Female, 60%", "Female, 60%", False),
        ({"min": 60}, None, True),
    ],
    ids=["true", "named", "text", "number"],
)
def test_a_gender_is_searched_by_however_it_is_written(told: Any, searched: str | None, is_told: bool) -> None:
    read = parse_task({"fansGender": told})
    assert [each.field for each in read.ignored] == ["fansGender"] * is_told
    strategy = crawl_of(stored_task(fans_gender=read.columns["fans_gender"])).search_strategy
    assert (strategy.fans_gender if strategy else None) == searched


def test_a_band_that_nothing_can_be_searched_by_is_told() -> None:
    read = parse_task({"gmv": {"min": 1000}})
    assert (read.columns, [each.field for each in read.ignored]) == ({"gmv_range": {"min": 1000}}, ["gmv"])
