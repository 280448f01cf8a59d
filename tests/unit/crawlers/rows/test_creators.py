"""Creators as the mesh takes them."""

from datetime import UTC, datetime

from crawlers.rows.creators import creator_row, is_complete
from deploy.sandbox.seller_centre.world import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORLD = World(creators=10)


def test_a_creator_is_a_row_with_every_field_of_the_page() -> None:
    row = creator_row(WORLD.creator(5), WORLD.profile(5), "MX", "http://chat", NOON)
    assert row["platformCreatorId"] == "7495000000000000005"
    assert row["followers1824"].endswith("%")
    assert row["partneredBrands"].endswith("brands")
    assert row["creatorChaturl"] == "http://chat"
    assert is_complete(row)


def test_a_section_that_did_not_come_leaves_its_fields_out() -> None:
    profile = WORLD.profile(5)
    del profile["sales"], profile["contact"]
    row = creator_row(WORLD.creator(5), profile, "MX", "http://chat", NOON)
    assert {"salesRevenue", "email", "topBrands"}.isdisjoint(row)
    assert "videos" in row


def test_what_the_search_told_is_a_row_too_but_not_a_complete_one() -> None:
    row = creator_row(WORLD.creator(5), {}, "MX", "http://chat", NOON)
    assert row["platformCreatorUsername"] == WORLD.creator(5)["handle"]
    assert not is_complete(row)


def test_an_address_that_is_not_told_is_left_out() -> None:
    row = creator_row(WORLD.creator(2), WORLD.profile(2), "MX", "http://chat", NOON)
    assert "email" not in row
