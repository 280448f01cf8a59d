"""What producers say of a purchase, under whatever names, read once."""

from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from adapters.relay.matching import digests
from adapters.relay.shop import amount, item_count, products, source_url
from tests.build.sandbox import account, relay_event


@pytest.mark.parametrize(
    "line",
    [
        {"id": "A-1", "name": "Comb", "category": "care", "quantity": 2, "price": 10.5},
        {"item_id": "A-1", "item_name": "Comb", "item_category": "care", "quantity": "2", "item_price": "10.5"},
        {"content_id": "A-1", "content_name": "Comb", "content_category": "care", "quantity": 2.0, "price": "10.5"},
    ],
)
@pytest.mark.parametrize("under", ["items", "contents", "products"])
def test_a_line_is_read_under_every_name(under: str, line: dict[str, Any]) -> None:
    (read,) = products(relay_event(payload={under: [line]}))
    assert (read.id, read.name, read.category, read.quantity, read.price) == ("A-1", "Comb", "care", 2, Decimal("10.5"))


@pytest.mark.parametrize("lines", [None, "A-1", {}, [], ["A-1", 7, None], [{"quantity": 1}], [{"id": {"a": 1}}]])
def test_what_is_no_line_is_left_out(lines: Any) -> None:
    assert products(relay_event(payload={"items": lines})) == []


@pytest.mark.parametrize("odd", ["many", -1, 0, 1.5, True, None, "NaN", "1e999999", [2]])
def test_an_odd_quantity_is_none_and_counts_as_one_piece(odd: Any) -> None:
    found = products(relay_event(payload={"items": [{"id": "A-1", "quantity": odd}]}))
    assert found[0].quantity is None
    assert item_count(found) == 1


@pytest.mark.parametrize("odd", ["dear", "NaN", "Infinity", "1e999999", "1e-999999", True, {}])
def test_an_odd_price_is_none(odd: Any) -> None:
    (read,) = products(relay_event(payload={"items": [{"id": "A-1", "price": odd}]}))
    assert read.price is None


def test_an_amount_is_written_out() -> None:
    assert [amount(Decimal(each)) for each in ("129.50", "1E+3", "0", "-5.1")] == ["129.50", "1000", "0", "-5.1"]


def test_a_page_is_the_producers_or_else_the_storefronts() -> None:
    home = account("x", "https://x.example", {})
    assert source_url(relay_event(payload={"page_url": "https://a.example/p"}), home) == "https://a.example/p"
    assert source_url(relay_event(payload={"url": "javascript:alert(1)"}), home) == "https://bosley.example"
    assert source_url(relay_event(payload={}), account("x", "https://x.example", {}, domain=None)) is None


@pytest.mark.parametrize("date", ["1991-05-26", "19910526", "1991/05/26", "1991-05-26T00:00:00Z"])
def test_a_birth_date_is_hashed_as_eight_digits(date: str) -> None:
    assert digests(relay_event(user_data={"db": date}))["db"] == sha256(b"19910526").hexdigest()


@pytest.mark.parametrize(("name", "odd"), [("db", "26.05.1991"), ("db", "soon"), ("ge", "x"), ("ge", "")])
def test_what_could_be_read_two_ways_is_not_said(name: str, odd: str) -> None:
    assert digests(relay_event(user_data={name: odd})) == {}


def test_digests_pass_through() -> None:
    digest = sha256(b"f").hexdigest()
    assert digests(relay_event(user_data={"ge": digest.upper(), "db": digest.upper()})) == {"ge": digest, "db": digest}
