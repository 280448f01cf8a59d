"""Tables for people."""

import csv
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from crawlers.export import COLUMNS, Exports, cell, words_of
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["=1+1", "+1 555", "-x", "@SUM(A1)", "\t=1", "\n=1", "\uff1d1+1", "\uff20x"])
def test_a_cell_is_never_a_formula(text: str) -> None:
    assert str(cell(text)).startswith("'")


@pytest.mark.parametrize("text", ["-5", "+1,299.00", "-12.5%"])
def test_a_number_as_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_what_has_parts_is_json_and_what_no_sheet_may_hold_is_left_out() -> None:
    assert cell({"a": [1]}) == '{"a": [1]}'
    assert cell("a\x00b") == "ab"
    assert len(str(cell("x" * 40_000))) == 32_767


async def test_a_workbook_and_a_csv_hold_every_page_once(tmp_path: Path) -> None:
    exports = Exports(tmp_path, "samples")
    await exports.add(
        "c", "p1", [{"region": "MX", "platformProductId": "1"}, {"region": "MX", "platformProductId": "2"}]
    )
    await exports.add("c", "p2", [{"region": "MX", "platformProductId": "3", "logisticsSnapshot": {"a": 1}}])
    await exports.add("c", "p2", [{"region": "MX", "platformProductId": "3", "logisticsSnapshot": {"a": 1}}])
    files = (await exports.finish("c", ["MX", "all", "completed"], NOON)).files
    assert [path.name for path in files] == [
        "samples_MX_all_completed_20260301_120000.csv",
        "samples_MX_all_completed_20260301_120000.xlsx",
    ]
    with files[0].open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["platformProductId"] for row in rows] == ["1", "2", "3"]
    sheet = load_workbook(files[1], read_only=True).active
    assert sheet is not None
    shown = list(sheet.iter_rows(values_only=True))
    assert shown[0] == COLUMNS["samples"]
    assert (len(shown), shown[3][-1]) == (4, '{"a": 1}')


async def test_half_a_line_of_a_process_that_was_killed_spoils_nothing(tmp_path: Path) -> None:
    exports = Exports(tmp_path, "campaigns")
    await exports.add("c", "p1", [{"platformProductId": "1"}])
    with next((tmp_path / ".waiting").iterdir()).open("a") as file:
        file.write('["p2", 0, {"platformPro')
    files = (await exports.finish("c", ["MX", "../../etc"], NOON)).files
    assert files[0].parent == tmp_path / "manage_campaign"
    assert len(files[0].read_text().splitlines()) == 2


async def test_pages_that_another_machine_has_read_are_counted(tmp_path: Path) -> None:
    exports = Exports(tmp_path, "samples")
    for page in ("p1", "p2", "p2"):
        await exports.add("c", page, [{"region": "MX"}])
    assert (await exports.finish("c", ["MX"], NOON, pages=5)).lacking == 2


async def test_what_is_written_halfway_is_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    exports = Exports(tmp_path, "samples")
    await exports.add("c", "p1", [{"region": "MX"}])
    with monkeypatch.context() as broken:
        broken.setattr("crawlers.export._write_workbook", full)
        with pytest.raises(OSError, match="no space"):
            await exports.finish("c", ["MX"], NOON)
    assert not list((tmp_path / "manage_sample").glob("*.xlsx"))
    assert exports.waits("c")
    assert len((await exports.finish("c", ["MX"], NOON)).files) == 2
    assert not exports.waits("c")


async def test_rows_of_an_abandoned_run_are_not_in_the_next_one_s_tables(tmp_path: Path) -> None:
    exports = Exports(tmp_path, "samples")
    await exports.add("c", "p1", [{"region": "MX"}])
    exports.forget("c")
    files = (await exports.finish("c", ["MX"], NOON)).files
    assert len(files[0].read_text().splitlines()) == 1


async def test_what_waits_of_crawls_that_never_ended_does_not_wait_for_ever(tmp_path: Path) -> None:
    exports = Exports(tmp_path, "samples")
    await exports.add("old", "p1", [{"region": "MX"}])
    (waiting,) = (tmp_path / ".waiting").iterdir()
    os.utime(waiting, (0, 0))
    await exports.add("new", "p1", [{"region": "MX"}])
    assert (exports.waits("old"), exports.waits("new")) == (False, True)


def test_tables_are_called_after_what_was_asked_for() -> None:
    samples = CrawlSamples.model_validate({"campaignIds": "7,8", "tab": "completed,shipped"})
    assert words_of(samples) == ["MX", "7-8", "completed-shipped"]
    assert words_of(CrawlCreators()) == ["MX", "search"]
    assert words_of(CrawlCampaigns(region="ES")) == ["ES", "all"]


def test_columns_begin_with_the_region_and_are_as_many_as_agreed() -> None:
    assert {columns[0] for columns in COLUMNS.values()} == {"region"}
    assert (COLUMNS["samples"][-1], len(COLUMNS["campaigns"])) == ("logisticsSnapshot", 25)
