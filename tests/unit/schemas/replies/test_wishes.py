from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.replies.sizes import ShoeSize
from schemas.replies.stock import Category
from schemas.replies.wishes import LONGEST_WORD, MOST_WORDS, Measured, Wish, wish_of

L = Wish(tag_size="l")


def measured(name: str, low: str, high: str) -> tuple[Measured, ...]:
    return (Measured(name, Decimal(low), Decimal(high)),)


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("th-p-001", Wish(sku="TH-P-001")),
        ("TH P 001?", Wish(sku="TH-P-001")),
        ("\uff34\uff28-P-\uff10\uff10\uff11", Wish(sku="TH-P-001")),
        ("size L jacket", Wish(tag_size="l", words=("jacket",))),
        ("I'm looking for an L denim jacket", Wish(tag_size="l", words=("denim", "jacket"))),
        ("what's new? it's me", Wish()),
        ("extra large hoodie", Wish(tag_size="xl", words=("hoodie",))),
        ("XXL", Wish(tag_size="2xl")),
        ("US 10 shoes", Wish(category=Category.SHOES, shoe_size=ShoeSize(Decimal(10), "US"))),
        ("size 10 shoes", Wish(category=Category.SHOES, shoe_size=ShoeSize(Decimal(10), None))),
        ("9.5 UK boots", Wish(category=Category.SHOES, shoe_size=ShoeSize(Decimal("9.5"), "UK"), words=("boots",))),
        ("viatu size 8", Wish(category=Category.SHOES, shoe_size=ShoeSize(Decimal(8), None))),
        ("size 32 jeans", Wish(tag_size="32", words=("jeans",))),
        ("W32 L34 jeans", Wish(tag_size="w32", words=("jeans",))),
        ("pit to pit 23-25", Wish(measures=measured("pit_to_pit", "23", "25"))),
        ("p2p 24 in jacket", Wish(measures=measured("pit_to_pit", "23", "25"), words=("jacket",))),
        ("waist 32", Wish(measures=measured("waist", "31", "33"))),
        ("coat under 2,500", Wish(max_price=2500, words=("coat",))),
        ("coat between 1k and 2.5k", Wish(min_price=1000, max_price=2500, words=("coat",))),
        ("coat between 1 and 2k", Wish(min_price=1000, max_price=2000, words=("coat",))),
        ("coat over 2000 bob", Wish(min_price=2000, words=("coat",))),
        ("nataka koti ya bluu", Wish(words=("coat", "blue"))),
        ("levis 501 for 2800", Wish(words=("levis", "501"))),
        ("José's café jacket", Wish(words=("joses", "cafe", "jacket"))),
        ("", Wish()),
        ("%", Wish()),
        ("\u200b \u202e\x00", Wish()),
        ("🔥🔥", Wish()),
        ("do you have anything?", Wish()),
    ],
)
def test_a_message_is_read_as_what_its_writer_looks_for(text: str, wish: Wish) -> None:
    assert wish_of(text) == wish


def test_a_measure_in_centimetres_is_looked_for_in_inches() -> None:
    (each,) = wish_of("pit to pit 61cm").measures
    assert each.low < Decimal(61) / Decimal("2.54") < each.high
    assert wish_of("p2p 61").measures == wish_of("p2p 61 cm").measures


@given(st.text(max_size=3000))
@example("pit to pit " + "9" * 400)
@example("under " + "9" * 2000 + "k")
@example("size " * 400)
@example("\N{ARABIC-INDIC DIGIT THREE}" * 50 + "us")
@example("between 1 and 2 and 3 to 4 " * 50)
@settings(max_examples=500, deadline=None)
def test_nothing_that_anybody_writes_is_too_much_to_read(text: str) -> None:
    wish = wish_of(text)
    assert len(wish.words) <= MOST_WORDS
    assert all(1 < len(word) <= LONGEST_WORD and word == word.casefold() for word in wish.words)
    assert all(0 <= (price or 0) < 2**31 for price in (wish.min_price, wish.max_price))
    assert all(each.low <= each.high for each in wish.measures)


UNDERSTOOD = [
    "size",
    "L",
    "XL",
    "us",
    "uk",
    "10",
    "shoes",
    "jacket",
    "pit to pit",
    "24",
    "waist",
    "under",
    "2k",
    "%",
    "-",
]


@given(st.lists(st.sampled_from(UNDERSTOOD)))
@settings(max_examples=500, deadline=None)
def test_no_mixture_of_what_is_understood_is_too_much_to_read(words: list[str]) -> None:
    wish_of(" ".join(words))
