"""Sample requests as the mesh takes them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crawlers.rows.reading import first_number, identity, remaining
from crawlers.rows.samples import Unreadable, sample_row, with_contents
from schemas.crawl.tabs import Tab
from schemas.samples.rows import parse_row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RECORD: dict[str, Any] = {
    "apply_id": "76",
    "product_info": {
        "product_name": "Clay mask 100 g",
        "product_id": "001729400000000000011",
        "sku_info": "CM-100",
        "stock": "1,240",
        "sample_quota": 3,
    },
    "creator_info": {"user_name": "@lupita.skin", "id": "68", "oec_id": 7495000000000000321, "post_rate": "87.50%"},
    "campaign_info": {"campaign_id": "7563000000000000001", "name": "Spring glow"},
    "order_expired_time": 172800000,
    "is_product_in_showcase": True,
}


def row(**changes: Any) -> dict[str, Any]:
    return sample_row({**RECORD, **changes}, Tab.COMPLETED, "MX", NOON)


def test_a_request_is_a_row() -> None:
    assert row() == {
        "region": "MX",
        "platformProductId": "1729400000000000011",
        "productName": "Clay mask 100 g",
        "platformCampaignId": "7563000000000000001",
        "platformCampaignName": "Spring glow",
        "productSku": "CM-100",
        "stock": "1,240",
        "availableSampleCount": 3,
        "status": "Completed",
        "requestTimeRemaining": "2 days",
        "platformCreatorId": "7495000000000000321",
        "platformCreatorUsername": "lupita.skin",
        "platformCreatorDisplayName": "lupita.skin",
        "postRate": "87.50",
        "isShowcase": 1,
        "extractedTime": "2026-03-01T12:00:00.000+00:00",
    }


def test_the_mesh_takes_the_row() -> None:
    contents = [{"type": "video", "of_type": 1, "name": "Mi rutina", "views": "15.4K", "earnings": "$1,500.00"}]
    (told,) = with_contents(row(), contents, {"timeline": [{"title": "Delivered", "time": "x"}]})
    taken = parse_row(told)
    assert taken.promotion.promotion_view_count == 15_400
    assert str(taken.promotion.promotion_order_total_amount) == "1500.00"
    assert taken.logistics is not None


def test_the_creator_is_known_by_the_older_id_where_there_is_no_other() -> None:
    assert row(creator_info={"user_name": "x", "id": "0068"})["platformCreatorId"] == "68"


def test_what_is_absent_is_left_out_and_not_emptied() -> None:
    bare = row(product_info={"product_id": "1"}, campaign_info=None, order_expired_time=None)
    assert {"stock", "productSku", "platformCampaignId", "requestTimeRemaining"}.isdisjoint(bare)


@pytest.mark.parametrize("broken", [{"product_info": {}}, {"creator_info": None}, {"product_info": "x"}])
def test_a_request_without_product_or_creator_is_unreadable(broken: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        row(**broken)


def test_each_content_is_a_row_and_the_first_tells_how_it_was_shipped() -> None:
    contents = [{"type": "video", "of_type": 2, "name": "a"}, {"type": "live", "of_type": 1, "name": "b"}]
    rows = with_contents(row(), contents, {"basic_info": [{"label": " Carrier ", "value": "Estafeta"}]})
    assert [(each["type"], each["typeNumber"], each["promotionName"]) for each in rows] == [
        ("video", "2", "a"),
        ("live", "1", "b"),
    ]
    assert rows[0]["logisticsSnapshot"]["basic_info"] == [{"label": "Carrier", "value": "Estafeta"}]
    assert "logisticsSnapshot" not in rows[1]


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (172800000, "2 days"),
        (172800, "2 days"),
        (18000, "5 hours"),
        (60, "1 hour"),
        (0, "0 hours"),
        ("3 days", "3 days"),
    ],
)
def test_what_remains_is_told_in_days_or_hours(span: object, told: str) -> None:
    assert remaining(span) == told


def test_ids_and_numbers_are_read_as_the_page_writes_them() -> None:
    assert [identity(each) for each in ("0012", 12, "a1", "", None, True)] == ["12", "12", "a1", None, None, "True"]
    assert [first_number(each) for each in ("54.3% of 10", "$1,299.00", "none", None)] == [
        "54.3",
        "1,299.00",
        None,
        None,
    ]
