from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.replies.stock import Category, Tier
from schemas.replies.stock_file import COLUMNS, StockFile, UnreadableFileError, read_stock_file
from tests.build.records import NOON

HEADER = "sku,name,category,tier,price_kes,tag_size,pit_to_pit,us_size,negotiable,image_url\n"


def read(*rows: str, header: str = HEADER) -> StockFile:
    return read_stock_file("".join([header, *rows]).splitlines(keepends=True), NOON)


def example() -> StockFile:
    return read_stock_file((files("mesh") / "examples" / "stock.csv").read_text().splitlines(keepends=True), NOON)


def test_the_example_is_forty_pieces_of_which_eleven_are_shoes_and_eight_fit_other_than_their_label_says() -> None:
    stock = example()
    assert stock.errors == []
    assert len(stock.items) == len({each.sku for each in stock.items}) == 40
    assert sum(each.category is Category.SHOES for each in stock.items) == 11
    assert sum(bool(each.fit_notes) for each in stock.items) == 8
    bands = {tier: [each.price_kes for each in stock.items if each.tier is tier] for tier in Tier}
    assert {tier: (len(prices), min(prices), max(prices)) for tier, prices in bands.items()} == {
        Tier.BUDGET: (15, 600, 1500),
        Tier.MID_RANGE: (15, 1800, 4200),
        Tier.PREMIUM: (10, 6800, 12000),
    }
    assert {each.tier for each in stock.items if each.negotiable} == {Tier.PREMIUM}


def test_a_row_is_read_whatever_the_case_of_its_words() -> None:
    (item,) = read(' th-b-001 , Tee ,clothes,mid-range,"1,200",L,56cm,,Yes,\n').items
    assert (item.sku, item.name, item.tier, item.price_kes) == ("TH-B-001", "Tee", Tier.MID_RANGE, 1200)
    assert (item.pit_to_pit, item.measurements, item.negotiable) == (Decimal("22.05"), {"pit_to_pit": "56cm"}, True)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("X-1,Tee,CLOTHES,BUDGET,1,L,,,,", "sku"),
        ("TH-B-001,,CLOTHES,BUDGET,1,L,,,,", "name"),
        (f"TH-B-001,{'x' * 256},CLOTHES,BUDGET,1,L,,,,", "name"),
        ("TH-B-001,Tee,HATS,BUDGET,1,L,,,,", "category"),
        ("TH-B-001,Tee,CLOTHES,CHEAP,1,L,,,,", "tier"),
        ("TH-B-001,Tee,CLOTHES,BUDGET,-1,L,,,,", "price_kes"),
        ("TH-B-001,Tee,CLOTHES,BUDGET,1.5,L,,,,", "price_kes"),
        (f"TH-B-001,Tee,CLOTHES,BUDGET,{'9' * 5000},L,,,,", "price_kes"),
        ("TH-B-001,Tee,CLOTHES,BUDGET,1,,,,,", "tag_size"),
        ("TH-B-001,Tee,CLOTHES,BUDGET,1,L,wide,,,", "pit_to_pit"),
        ("TH-B-001,Tee,CLOTHES,BUDGET,1,L,,10,,", "us_size"),
        ("TH-B-001,Tee,CLOTHES,BUDGET,1,L,,,maybe,", "negotiable"),
        ("TH-B-001,Tee,CLOTHES,BUDGET,1,L,,,,javascript:alert(1)", "image_url"),
        ("TH-B-001,Tee,CLOTHES,BUDGET,1,L,,,,,more,cells", ""),
        ("TH-B-009,Tee,CLOTHES,BUDGET,1,L,,,,", "sku"),
        ("TH-B-001", "category"),
    ],
)
def test_a_bad_row_is_told_by_line_and_column_and_spoils_no_other(row: str, column: str) -> None:
    good = "TH-B-009,Tee,CLOTHES,BUDGET,1,L,,,,\n"
    stock = read(good, "\n", row + "\n", good.replace("009", "010"))
    assert [item.sku for item in stock.items] == ["TH-B-009", "TH-B-010"]
    assert [(error.line, error.column) for error in stock.errors] == [(4, column)]


def test_a_cell_with_a_line_break_does_not_shift_the_lines_that_are_told() -> None:
    stock = read('TH-B-001,"Tee\nwith a break",CLOTHES,BUDGET,1,L,,,,\n', "X,Tee,CLOTHES,BUDGET,1,L,,,,\n")
    assert [error.line for error in stock.errors] == [4]
    assert stock.items[0].name == "Tee with a break"


@pytest.mark.parametrize(
    "header", ["", "sku,name\n", HEADER.strip() + ",colour\n", '"sku,name,category,tier,price_kes,tag_size\n']
)
def test_a_file_that_is_no_stock_file_is_refused_as_a_whole(header: str) -> None:
    with pytest.raises(UnreadableFileError):
        read("TH-B-009,Tee,CLOTHES,BUDGET,1,L,,,,\n", header=header)


def test_a_byte_order_mark_is_not_part_of_the_first_column() -> None:
    assert len(read("TH-B-009,Tee,CLOTHES,BUDGET,1,L,,,,\n", header="\ufeff" + HEADER).items) == 1


@given(st.lists(st.lists(st.text(max_size=12), max_size=len(COLUMNS)), max_size=4))
def test_whatever_a_file_holds_each_row_is_a_piece_or_an_error(rows: list[list[str]]) -> None:
    lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows]
    stock = read(*lines)
    assert len(stock.items) + len(stock.errors) <= len(rows)
