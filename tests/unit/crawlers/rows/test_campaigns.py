"""Campaigns and products as the mesh takes them."""

from datetime import UTC, datetime

import pytest

from crawlers.rows.campaigns import campaign_rows, price_range, product_row, table_row
from deploy.sandbox.seller_centre.world import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORLD = World()


def test_a_campaign_is_a_row_for_each_shop_that_takes_part() -> None:
    products = [WORLD.product(0, 1), WORLD.product(0, 2), WORLD.product(1, 1)]
    rows = campaign_rows(WORLD.campaign(0), products, "MX", NOON)
    assert sorted(row["platformShopId"] for row in rows) == ["MXLC0000", "MXLC0001"]
    assert {row["platformCampaignId"] for row in rows} == {WORLD.campaign_id(0)}


def test_a_campaign_without_products_is_one_row_without_a_shop() -> None:
    (row,) = campaign_rows(WORLD.campaign(0), [], "MX", NOON)
    assert "platformShopId" not in row


def test_a_product_is_a_row() -> None:
    row = product_row(WORLD.product(0, 1), WORLD.campaign_id(0), "MX", NOON)
    assert row["platformProductId"] == "1729400000000000001"
    assert row["salePriceMin"].startswith("$")


def test_a_product_in_a_table_has_its_own_terms_and_its_campaign() -> None:
    products = [
        WORLD.product(0, 1) | {"registered": "2026-01-03", "commission_rate": "10%"},
        WORLD.product(1, 2) | {"registered": "2026-01-09", "commission_rate": "25%"},
        WORLD.product(0, 3) | {"registered": None, "commission_rate": None},
    ]
    rows = [table_row(WORLD.campaign(0), each, "MX", NOON) for each in products]
    assert [(row.get("dateRegistered"), row.get("commissionRate")) for row in rows] == [
        ("2026-01-03", "10%"),
        ("2026-01-09", "25%"),
        (None, None),
    ]
    assert {row["platformCampaignName"] for row in rows} == {WORLD.campaign(0)["name"]}


@pytest.mark.parametrize(
    ("told", "ends"),
    [
        ("$1,299.00 - $1,599.00", ("$1,299.00", "$1,599.00")),
        ("$99.00", ("$99.00", "$99.00")),
        ("129,00 € \u2013 159,00 €", ("129,00 €", "159,00 €")),
        (None, (None, None)),
    ],
)
def test_commas_of_a_price_are_not_ends_of_a_range(told: str | None, ends: tuple[str | None, str | None]) -> None:
    assert price_range(told) == ends
