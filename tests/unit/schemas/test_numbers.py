"""Numbers as pages and spreadsheets write them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.numbers import integer, number


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("1,299.00", "1299.00"),
        ("1.299,00", "1299.00"),
        ("1 299,50", "1299.50"),
        ("1\u00a0299\u00a0000", "1299000"),
        ("1'299.50", "1299.50"),
        ("1,299", "1299"),
        ("1,29,000", "129000"),
        ("1.299.000", "1299000"),
        ("1.299", "1.299"),
        ("12,5", "12.5"),
        ("0,125", "0.125"),
        (".5", "0.5"),
        ("12.3K", "12300"),
        ("12,3k", "12300"),
        ("3M views", "3000000"),
        ("1.2b", "1200000000"),
        ("54%", "54"),
        ("5 brands", "5"),
        ("5brands", "5"),
        ("120 minutes", "120"),
        ("120minutes", "120"),
        ("7 k", "7"),
        ("$1,299.00", "1299.00"),
        ("MX$ 1,299.00", "1299.00"),
        ("€ 12,50", "12.50"),
        ("12,50 €", "12.50"),
        ("£5", "5"),
        ("¥1,000", "1000"),
        ("1.5T", "1500000000000"),
        ("5 tasks", "5"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("\u22125", "-5"),
        ("+5", "5"),
        ("1.5E3", "1500"),
        ("007", "7"),
        (1500, "1500"),
        ("1500", "1500"),
        ("1500.00", "1500.00"),
        (120.5, "120.5"),
        (0, "0"),
    ],
)
def test_a_number_is_read_as_its_writer_meant_it(written: object, expected: str) -> None:
    assert number(written) == Decimal(expected)


def test_an_amount_keeps_its_digits() -> None:
    assert [f"{number(written):f}" for written in (1500, "1500.00", "1,500.0", "12.3K")] == [
        "1500",
        "1500.00",
        "1500.0",
        "12300",
    ]


@pytest.mark.parametrize("written", [None, "", "  ", "-", "—", "--", "N/A", "null", float("nan"), float("inf")])
def test_nothing_is_no_number(written: object) -> None:
    assert number(written) is None


@pytest.mark.parametrize("written", ["many", True, [], {}, "1,2,3", "1.2.3,4", "5" * 65, 10**70, b"5"])
def test_what_is_not_a_number_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        number(written)


def test_an_integer_drops_the_fraction() -> None:
    assert integer("12.9") == 12


@given(st.text(max_size=80))
def test_any_text_is_a_number_nothing_or_refused(written: str) -> None:
    try:
        read = number(written)
    except ValueError:
        return
    assert read is None or read.is_finite()


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_thousands_in_english_survive(value: int) -> None:
    assert integer(f"{value:,}") == value


@given(st.decimals(min_value=0, max_value=10**9, places=2))
def test_both_styles_of_decimals_mean_the_same(value: Decimal) -> None:
    english = f"{value:,.2f}"
    assert number(english) == number(english.translate(str.maketrans(",.", ".,"))) == value
