"""The content summary: its entries, their digits, and that each is told once."""

from typing import Any

import pytest

from handlers.samples.summary import BLANK, MAX_BYTES, summary_of, united
from schemas.samples.rows import parse_row
from tests.build.samples import row, video


def summary(**fields: Any) -> list[dict[str, Any]]:
    return summary_of(parse_row(row(**fields)))


def test_a_promotion_is_one_entry_with_the_type_as_written() -> None:
    assert summary_of(parse_row(video(type="1"))) == [
        {
            "type": "1",
            "type_number": "1",
            "promotion_name": "Mi rutina",
            "promotion_time": "2026-01-09 18:22",
            "promotion_view_count": 15400,
            "promotion_like_count": None,
            "promotion_comment_count": None,
            "promotion_order_count": None,
            "promotion_order_total_amount": "1500.00",
            "logistics_snapshot": None,
        }
    ]


@pytest.mark.parametrize(
    ("given_amount", "text"),
    [(1500, "1500"), ("1500.00", "1500.00"), (100, "100"), ("1,500", "1500"), (0.5, "0.5"), ("12.3K", "12300")],
)
def test_an_amount_keeps_its_digits(given_amount: Any, text: str) -> None:
    assert summary(promotionOrderTotalAmount=given_amount)[0]["promotion_order_total_amount"] == text


def test_zeros_alone_are_no_promotion() -> None:
    assert summary(promotionViewCount=0, promotionOrderTotalAmount="0.00", type=" ") == []


def test_a_number_of_the_tab_alone_is_no_promotion() -> None:
    assert summary(typeNumber="2") == []


def test_each_event_of_a_parcel_is_an_entry_with_the_whole_snapshot() -> None:
    snapshot = {
        "basic_info": [{"label": "Carrier", "value": "DHL"}, {"label": "No", "value": 5}],
        "timeline": [{"title": "Delivered", "time": "2024-12-15"}, {"status": "Moving"}, {}, "Left"],
    }

    entries = summary(logisticsSnapshot=snapshot)

    assert [entry["promotion_name"] for entry in entries] == ["Delivered", "Moving", "Carrier: DHL, No: 5", "Left"]
    assert [entry["promotion_time"] for entry in entries] == ["2024-12-15", "", "", ""]
    assert all(entry["type"] == "logistics" and entry["type_number"] == "4" for entry in entries)
    assert all(entry["logistics_snapshot"] == snapshot for entry in entries)


@pytest.mark.parametrize(
    ("snapshot", "number", "name"),
    [
        ({"basic_info": [{"label": "Carrier", "value": "DHL"}]}, "1", "Carrier: DHL"),
        ({"raw_text": "on its way"}, "0", "View logistics"),
    ],
)
def test_a_parcel_without_events_is_one_entry(snapshot: dict[str, Any], number: str, name: str) -> None:
    (entry,) = summary(logisticsSnapshot=snapshot)

    assert (entry["type_number"], entry["promotion_name"]) == (number, name)


@pytest.mark.parametrize("snapshot", [{}, {"timeline": []}, {"timeline": "x", "basic_info": 7}, {"table_rows": [1]}])
def test_a_parcel_of_which_nothing_is_told_is_no_entry(snapshot: dict[str, Any]) -> None:
    assert summary(logisticsSnapshot=snapshot) == []


def test_an_event_without_any_text_has_a_name_all_the_same() -> None:
    assert summary(logisticsSnapshot={"timeline": [{}]})[0]["promotion_name"] == "Logistics update"


def test_entries_are_told_once_and_nothing_is_one_blank() -> None:
    entry = summary_of(parse_row(video()))

    assert united([entry, entry, [BLANK]]) == entry
    assert united([[], [BLANK, BLANK]]) == united([]) == [BLANK]


def test_a_summary_stays_within_one_packet() -> None:
    entries = [{"promotion_name": f"{index:01000}"} for index in range(MAX_BYTES // 900)]

    assert len(united([entries])) < len(entries)
