"""One row of a crawl: what is read, what is refused, and why."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.rows import RowError
from schemas.samples.fields import FIELDS
from schemas.samples.rows import parse_row
from tests.build.samples import row, video

EXAMPLE = Path(__file__).parents[4] / "mesh" / "examples" / "samples-ingest.json"


def refusal(**fields: Any) -> tuple[str, str]:
    with pytest.raises(RowError) as caught:
        parse_row(row(**fields))
    return caught.value.field, caught.value.reason


def test_the_example_is_read() -> None:
    read = parse_row(json.loads(EXAMPLE.read_bytes())["rows"][0])

    assert read.key == ("MX", "1234567890", "7563877506852587284", "creator")
    assert read.columns["platform_creator_username"] == "@creator"
    assert read.columns["post_rate"] == Decimal("0.54")
    assert read.columns["is_showcase"] is True
    assert read.promotion.promotion_order_total_amount == Decimal("120.50")
    assert read.extra is None


def test_snake_case_means_the_same_as_camel_case() -> None:
    snake = parse_row({"platform_product_id": "1", "platform_creator_id": "2", "available_sample_count": 3})

    assert snake.key == ("MX", "1", "", "2")
    assert snake.columns["available_sample_count"] == 3


def test_a_row_knows_which_columns_it_mentions() -> None:
    read = parse_row(row(adCode=None, productSku=""))

    assert read.columns["ad_code"] is None
    assert read.columns["product_sku"] is None
    assert "available_sample_count" not in read.columns


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "7495000000000000321"),
        ({"platformCreatorId": 7495000000000000321}, "7495000000000000321"),
        ({"platformCreatorId": ...}, "lupita.skin"),
        ({"platformCreatorId": None, "platformCreatorUsername": "@Lupita.Skin "}, "lupita.skin"),
        ({"platformCreatorId": "", "platformCreatorUsername": "@"}, "Lupita"),
        ({"platformCreatorId": ..., "platformCreatorUsername": ..., "creator_username": "old"}, "old"),
        (
            {
                "platformCreatorId": ...,
                "platformCreatorUsername": ...,
                "platformCreatorDisplayName": ...,
                "creator_name": "José",
            },
            "José",
        ),
        ({"platformCreatorId": ..., "creatorId": "778"}, "778"),
    ],
)
def test_the_creator_key_is_the_first_present_of_id_username_and_name(fields: dict[str, Any], key: str) -> None:
    assert parse_row(row(**fields)).key.creator_key == key


def test_the_operator_is_not_taken_for_the_creator() -> None:
    by_name = row(platformCreatorId=..., creatorId="op-7")
    by_uuid = row(platformCreatorId=..., creatorId="5b0c1a52-7e0d-4c6a-9e55-0d5b7a1f3c10")

    assert parse_row(by_name, "OP-7").key.creator_key == "lupita.skin"
    assert parse_row(by_uuid).key.creator_key == "lupita.skin"


def test_the_region_is_upper_case_and_mexico_by_default() -> None:
    assert parse_row(row(region=" es ")).key.region == "ES"
    assert parse_row(row(region=None)).key.region == "MX"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"platformProductId": ...}, "platformProductId"),
        ({"platformProductId": "  "}, "platformProductId"),
        (
            {"platformCreatorId": ..., "platformCreatorUsername": ..., "platformCreatorDisplayName": ...},
            "platformCreatorId",
        ),
        ({"status": "x" * 33}, "status"),
        ({"productName": "x" * 10_001}, "productName"),
        ({"platformProductId": "1" * 65}, "platformProductId"),
        ({"platformProductId": 10**70}, "platformProductId"),
        ({"platformProductId": 1.7294000000000001e18}, "platformProductId"),
        ({"productName": ["x"]}, "productName"),
        ({"productName": True}, "productName"),
        ({"stock": "many"}, "stock"),
        ({"stock": 2**31}, "stock"),
        ({"stock": True}, "stock"),
        ({"postRate": 10**6}, "postRate"),
        ({"postRate": "999999.99996"}, "postRate"),
        ({"promotionOrderTotalAmount": "99999999.995"}, "promotionOrderTotalAmount"),
        ({"promotionOrderTotalAmount": "1e20"}, "promotionOrderTotalAmount"),
        ({"logisticsSnapshot": "raw"}, "logisticsSnapshot"),
        ({"type": "video", "platformCreatorUsername": "x" * 65}, "platformCreatorUsername"),
        ({"creator_id": "x" * 33, "platformCreatorId": ...}, "creatorId"),
    ],
)
def test_a_row_that_cannot_be_stored_is_refused_by_its_field(fields: dict[str, Any], field: str) -> None:
    assert refusal(**fields)[0] == field


def test_numbers_are_read_as_pages_write_them() -> None:
    read = parse_row(
        video(
            stock="1,299",
            postRate="54%",
            promotionViewCount="12.3K",
            promotionLikeCount="5 likes",
            promotionCommentCount="-",
            promotionOrderCount=12.0,
            promotionOrderTotalAmount="$1,500.00",
        )
    )

    assert read.columns["stock"] == 1299
    assert read.columns["post_rate"] == 54
    assert read.promotion[4:8] == (12300, 5, None, 12)
    assert str(read.promotion.promotion_order_total_amount) == "1500.00"


@pytest.mark.parametrize(
    ("given_claim", "claim"),
    [(1, True), ("yes", True), ("TRUE", True), (0, False), ("No", False), (2, None), ("?", None), ([], None)],
)
def test_a_flag_is_true_false_or_unknown(given_claim: Any, claim: bool | None) -> None:
    assert parse_row(row(isShowcase=given_claim)).columns["is_showcase"] is claim


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-12T12:00:00Z",
        "2026-01-12T06:00:00-06:00",
        "2026-01-12 12:00:00",
        "2026-01-12 12:00:00.000900",
        1768219200,
        "1768219200",
        1768219200000,
        "1768219200000.7",
    ],
)
def test_the_time_of_a_crawl_is_read_in_every_usual_form(written: Any) -> None:
    assert parse_row(row(extractedTime=written)).extracted_at == datetime(2026, 1, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize("written", [None, "", "soon", 0, 12, -5, 1e300, "9" * 40, [], {}, True, "1999-12-31", "nan"])
def test_a_time_that_cannot_be_read_is_no_time(written: Any) -> None:
    assert parse_row(row(extractedTime=written)).extracted_at is None


def test_unknown_keys_are_kept_and_known_ones_are_not_kept_twice() -> None:
    assert parse_row(row(shade="rosé", actions=[], creatorUrl="x")).extra == {"shade": "rosé"}


def test_nul_is_dropped_and_every_script_kept() -> None:
    read = parse_row(row(productName="ma\0sk 🧴 面膜 قناع", **{"no\0te": ["a\0"]}))

    assert read.columns["product_name"] == "mask 🧴 面膜 قناع"
    assert read.extra == {"note": ["a"]}


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert parse_row(row(productName="a\ud800b")).columns["product_name"] == "a\ufffdb"


def test_what_json_columns_cannot_hold_is_cleaned() -> None:
    read = parse_row(row(adCode=[float("nan"), 2**70], note=float("inf"), status=None))

    assert read.columns["ad_code"] == [None, str(2**70)]
    assert read.extra == {"note": None}


def test_a_value_nested_too_deeply_is_refused() -> None:
    deep: Any = "x"
    for _ in range(1000):
        deep = [deep]

    assert refusal(shade=deep) == ("shade", "is nested deeper than 20 levels")


def test_a_flat_row_of_many_brackets_is_not_deep() -> None:
    assert parse_row(row(shades=[[] for _ in range(100)])).extra == {"shades": [[]] * 100}


def test_a_huge_row_is_refused_by_its_largest_field() -> None:
    assert refusal(shade="x" * 600_000)[0] == "shade"


def test_a_parcel_whose_history_would_be_repeated_into_megabytes_is_refused() -> None:
    timeline = [{"title": "x" * 100} for _ in range(100)]

    assert refusal(logisticsSnapshot={"timeline": timeline})[0] == "logisticsSnapshot"


def test_the_fingerprint_depends_on_content_and_not_on_order() -> None:
    one, other = row(), dict(reversed(row().items()))

    assert parse_row(one).fingerprint == parse_row(other).fingerprint
    assert parse_row(row(stock=1)).fingerprint != parse_row(row(stock=2)).fingerprint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(st.characters(codec=None)), JSON, max_size=12))
def test_any_object_is_read_or_refused_and_what_is_read_is_plain_json(fields: dict[str, Any]) -> None:
    try:
        read = parse_row(row() | fields)
    except RowError:
        return
    stored = orjson.dumps([read.columns.get("ad_code"), read.extra, read.logistics, list(read.key)])
    assert b"\\u0000" not in stored
    for value in (*read.columns.values(), *read.promotion):
        if isinstance(value, str):
            value.encode()


def test_a_title_too_long_for_its_column_is_cut_and_costs_nobody_the_row() -> None:
    read = parse_row(row(productName="x" * 1800))
    assert read.columns["product_name"] == "x" * 512
