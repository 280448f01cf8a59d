"""Reminders depend on what counts as content, as a video and as a code."""

from typing import Any

import pytest

from schemas.samples.summary import has_code, has_video, is_empty

BLANK: dict[str, Any] = {"type": "", "promotion_name": "", "promotion_time": "", "promotion_view_count": 12}
LOGISTICS: dict[str, Any] = {"type": " Logistics", "promotion_name": "Delivered", "promotion_time": "2026-01-03"}


@pytest.mark.parametrize(
    "summary", [None, [], [{}], [BLANK], [LOGISTICS], [LOGISTICS, BLANK], [BLANK | {"type": None}]]
)
def test_blanks_and_logistics_are_no_content(summary: Any) -> None:
    assert is_empty(summary)


@pytest.mark.parametrize(
    "entry", [{"type": "video"}, {"type": "live"}, {"type": "2"}, {"promotion_name": "x"}, {"promotion_time": 7}]
)
def test_a_kind_a_name_or_a_time_is_content(entry: dict[str, Any]) -> None:
    assert not is_empty([LOGISTICS, BLANK | entry])


@pytest.mark.parametrize(("kind", "expected"), [("video", True), (" Video ", True), ("1", True), ("live", False)])
def test_a_video_is_told_by_word_or_by_the_pages_number(kind: str, expected: bool) -> None:
    assert has_video([LOGISTICS, {"type": kind}]) is expected


@pytest.mark.parametrize(
    "nothing",
    [None, False, "", "  ", "[]", " [ ] ", '""', "null", '["", null]', "{}", [], [""], {}, {"code": ""}],
)
def test_an_empty_code_is_none_however_it_is_written(nothing: Any) -> None:
    assert not has_code(nothing)


@pytest.mark.parametrize("code", ["A-1", '["A-1"]', ["", "A-1"], {"code": "A-1"}, 7, '"A-1"', "[A-1", "{odd", ["[A"]])
def test_anything_else_is_a_code(code: Any) -> None:
    assert has_code(code)
