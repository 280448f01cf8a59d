from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.replies.sizes import inches, plain_number, size_tokens


@pytest.mark.parametrize(
    ("tag", "tokens"),
    [
        ("L", ["l"]),
        ("XL", ["xl"]),
        ("M/L", ["m", "l"]),
        ("Large", ["l"]),
        ("X-Large", ["xl"]),
        ("XXL", ["2xl"]),
        ("2XL", ["2xl"]),
        ("XXXL", ["3xl"]),
        ("Extra small", ["xs"]),
        ("W32 L34", ["w32", "32", "l34"]),
        ("32x34", ["w32", "32", "l34"]),
        ("US 10", ["us10", "10"]),
        ("UK 9.5", ["uk9.5", "9.5"]),
        ("One Size", ["onesize"]),
        ("10-12", ["10", "12"]),
        ("", []),
    ],
)
def test_a_label_is_found_by_each_size_that_it_names(tag: str, tokens: list[str]) -> None:
    assert size_tokens(tag) == tokens


@given(st.text(max_size=50))
def test_any_label_has_tokens_without_spaces(tag: str) -> None:
    assert all(token and " " not in token for token in size_tokens(tag))


@pytest.mark.parametrize(
    ("text", "number"),
    [("22in", "22"), ('22.5"', "22.5"), ("22", "22"), ("56 cm", "22.05"), ("N/A", None), ("", None), (None, None)],
)
def test_a_measure_of_clothes_is_inches(text: str | None, number: str | None) -> None:
    assert inches(text) == (Decimal(number) if number else None)


@pytest.mark.parametrize("text", ["wide", "22 feet", "-3", "0", "1000in", "NaN"])
def test_what_is_no_measure_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        inches(text)
    with pytest.raises(ValueError, match="is not"):
        plain_number(text)


def test_the_size_of_a_shoe_may_be_a_half() -> None:
    assert [plain_number(text) for text in ("10", "10.5", "28.5cm", "n/a")] == [
        Decimal(10),
        Decimal("10.5"),
        Decimal("28.5"),
        None,
    ]
