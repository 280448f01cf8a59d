"""Rows about creators, campaigns and products are read leniently, and refused by field and reason."""

import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.creators.fields import _remembered
from schemas.creators.rows import parse_campaign, parse_creator, parse_product
from schemas.rows import RowError
from tests.build.outreach import creator


def columns(**fields: Any) -> dict[str, Any]:
    row = parse_creator(creator(**fields))
    assert row is not None
    return row.columns


@pytest.mark.parametrize(
    ("written", "expected"),
    [("48.2K", 48200), ("5 brands", 5), ("120 minutes", 120), ("1.234", 1), ("12,345", 12345), (7, 7), ("-", None)],
)
def test_a_count_is_what_its_writer_meant(written: Any, expected: int | None) -> None:
    assert columns(collabProducts=written).get("collab_products") == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [("$3,120.40", "3120.40"), ("1.234,56", "1234.56"), ("MX$ 12.3K", "12300"), ("1T", "1000000000000"), (0, "0")],
)
def test_an_amount_is_what_its_writer_meant(written: Any, expected: str) -> None:
    assert columns(salesRevenue=written)["sales_revenue"] == Decimal(expected)


@pytest.mark.parametrize(("written", "expected"), [("12.5%", "12.5"), ("71%", "71"), ("0.5", "0.5")])
def test_a_rate_is_the_number_that_people_read(written: str, expected: str) -> None:
    read = columns(avgCommissionRate=written, followers1824=written, followers_55_more=written)
    assert {read["avg_commission_rate"], read["followers_18_24"], read["followers_55_more"]} == {Decimal(expected)}


@pytest.mark.parametrize("fields", [{"platformCreatorId": ...}, {"platformCreatorId": ""}, {"platformCreatorId": None}])
def test_a_row_without_an_id_names_nobody(fields: dict[str, Any]) -> None:
    assert parse_creator(creator(**fields)) is None


def test_the_older_names_of_fields_are_known() -> None:
    row = {"creatorId": "1", "creatorUsername": "@dani", "creatorName": "Dani", "intro": "Hola", "creatorChaturl": "u"}
    read = parse_creator(row)
    assert read is not None
    assert read.columns["platform_creator_id"] == "1"
    assert (read.columns["platform_creator_username"], read.columns["platform_creator_display_name"]) == (
        "dani",
        "Dani",
    )
    assert (read.columns["introduction"], read.columns["chat_url"]) == ("Hola", "u")


@pytest.mark.parametrize(
    ("fields", "username", "name"),
    [
        ({"platformCreatorUsername": ...}, "Dani Hogar", "Dani Hogar"),
        ({"platformCreatorDisplayName": ...}, "dani.hogar", "dani.hogar"),
        (
            {"platformCreatorUsername": "", "platformCreatorDisplayName": ""},
            "7341000000000000777",
            "7341000000000000777",
        ),
    ],
)
def test_a_name_that_is_missing_is_stood_in_for_and_marked_so(fields: dict[str, Any], username: str, name: str) -> None:
    read = columns(**fields)
    assert (read["platform_creator_username"], read["platform_creator_display_name"]) == (username, name)
    assert not (read["has_username"] and read["has_display_name"])


@pytest.mark.parametrize(("region", "currency"), [("fr", "EU"), ("ES", "EU"), ("MX", "MXN"), ("US", None)])
def test_a_currency_follows_from_the_region_unless_it_is_said(region: str, currency: str | None) -> None:
    assert columns(region=region)["currency"] == currency
    assert columns(region=region, currency="USD")["currency"] == "USD"


@pytest.mark.parametrize(("written", "expected"), [("y", True), (1, True), (False, False), ("no", False), ("?", None)])
def test_a_flag_is_a_yes_or_a_no(written: Any, expected: bool | None) -> None:
    assert columns(connect=written).get("connect") is expected


def test_what_cannot_be_read_is_kept_beside_the_row_and_costs_no_other_fact() -> None:
    row = parse_creator(creator(followers="many", email="x" * 300, note={"a": 1}))
    assert row is not None
    assert "followers" not in row.columns
    assert row.columns["platform_creator_username"] == "dani.hogar"
    assert row.extra == {"followers": "many", "email": "x" * 300, "note": {"a": 1}}


def test_an_id_that_nobody_can_have_is_refused_by_its_field() -> None:
    with pytest.raises(RowError, match="is longer than 64 characters") as refused:
        parse_creator(creator(platformCreatorId="7" * 65))
    assert refused.value.field == "platformCreatorId"


def test_lists_and_objects_become_text() -> None:
    read = columns(categories=["Beauty", "Home"], gmvPerSalesChannel={"live": "60%"}, topBrands=["a" * 2000])
    assert (read["categories"], read["gmv_per_sales_channel"]) == ("Beauty, Home", '{"live":"60%"}')
    assert len(read["top_brands"]) == 1024


def test_a_campaign_is_read_with_its_texts_as_numbers() -> None:
    row = parse_campaign(
        {
            "campaign_id": 7563,
            "campaignName": "Spring glow",
            "campaignPeriod": "2026/01/05-2026/02/05",
            "registrationPeriod": {"from": "a", "to": "b"},
            "pendingProductCount": "3 pending",
            "approvedProductCount": "1,218",
            "commissionRate": "12%",
            "shop_code": "MXLC0001",
        }
    )
    assert row is not None
    assert row.columns == {
        "platform": "tiktok",
        "region": "MX",
        "has_region": False,
        "platform_campaign_id": "7563",
        "platform_campaign_name": "Spring glow",
        "campaign_period": ["2026/01/05-2026/02/05"],
        "registration_period": ["a", "b"],
        "pending_product_count": 3,
        "approved_product_count": 1218,
        "commission_rate": "0.12",
        "platform_shop_id": "MXLC0001",
    }


def test_a_product_is_read_with_its_older_names() -> None:
    row = parse_product(
        {
            "platformCampaignId": "7563",
            "platformProductId": 17294,
            "stock": "1,240",
            "items_sold": "2.5K",
            "image_link": "https://img.example/1",
            "productRating": "4.7",
            "salePriceMin": "129.00",
        }
    )
    assert row is not None
    read = row.columns
    assert (read["platform_product_id"], read["stock"], read["item_sold"]) == ("17294", 1240, 2500)
    assert (read["thumbnail"], read["product_rating"]) == ("https://img.example/1", Decimal("4.7"))


@pytest.mark.parametrize("parse", [parse_campaign, parse_product])
def test_a_row_without_its_ids_names_nothing(parse: Any) -> None:
    assert parse({"platformProductId": "1"}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(sorted(creator())) | st.sampled_from(["salesRevenue", "categories", "crawlDate", "send"])


@settings(deadline=None)
@given(st.dictionaries(NAMES | st.text(), JSON))
def test_any_row_is_read_or_refused_by_its_field(row: dict[str, Any]) -> None:
    for parse in (parse_creator, parse_campaign, parse_product):
        with contextlib.suppress(RowError):
            parse(row)


def test_only_texts_as_long_as_numbers_are_remembered() -> None:
    asked: list[Any] = []
    reading = _remembered(asked.append)
    for written in ("7", "7", "-" * 65, "-" * 65):
        reading(written)
    assert [len(each) for each in asked] == [1, 65, 65]
