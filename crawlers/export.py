"""Tables for people: what a crawl has published, as a workbook and as CSV, however long it is.

Rows wait in a file, page by page, so that a crawl that was interrupted exports all of them, each page once; tables are
written from there, a row at a time. The file is this machine's: what another one has read is missing, and counted.
A cell that a spreadsheet would take for a formula begins with an apostrophe.
https://owasp.org/www-community/attacks/CSV_Injection
"""

import asyncio
import csv
import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from crawlers.cursors import KEPT
from crawlers.shelf import file_name
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples

_SAMPLES = (
    "region platformProductId platformCampaignId platformCampaignName productName productSku stock "
    "availableSampleCount status requestTimeRemaining isUncooperative isUnapprovable isShowcase "
    "platformCreatorDisplayName platformCreatorUsername platformCreatorId postRate type typeNumber promotionName "
    "promotionTime promotionViewCount promotionLikeCount promotionCommentCount promotionOrderCount "
    "promotionOrderTotalAmount extractedTime logisticsSnapshot"
)
_CAMPAIGNS = (
    "region platformCampaignId platformCampaignName status registrationPeriod campaignPeriod pendingProductCount "
    "approvedProductCount platformProductId productName thumbnail dateRegistered commissionRate salePriceMin "
    "salePriceMax stock availableSampleCount productSku productRating reviewsCount itemSold platformShopName "
    "platformShopPhone platformShopId extractedTime"
)
_CREATORS = (
    "region platformCreatorId platformCreatorUsername platformCreatorDisplayName followers categories email whatsapp "
    "intro brandName searchKeywords currency salesRevenue salesUnitsSold salesGpm salesRevenuePerBuyer "
    "gmvPerSalesChannel gmvByProductCategory avgCommissionRate collabProducts partneredBrands productPrice topBrands "
    "videoGpm videos avgVideoViews avgVideoEngagementRate avgVideoLikes avgVideoComments avgVideoShares liveGpm "
    "liveStreams avgLiveViews avgLiveEngagementRate avgLiveLikes avgLiveComments avgLiveShares followersMale "
    "followersFemale followers1824 followers2534 followers3544 followers4554 followers55More creatorChaturl crawlDate"
)
#: Columns by kind of crawl, in their order.
COLUMNS = {
    name: tuple(text.split())
    for name, text in (("samples", _SAMPLES), ("campaigns", _CAMPAIGNS), ("creators", _CREATORS))
}
_FOLDERS = {"samples": "manage_sample", "campaigns": "manage_campaign", "creators": "manage_creator"}
_NAMES = {"samples": "samples", "campaigns": "campaign_products", "creators": "creators"}
#: What a cell may hold, by the file format's own limit.
_LONGEST_CELL = 32_767
#: And a sheet.
_MOST_ROWS = 1_048_576
_FORMULA = re.compile(r"^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"^[+-]?[\d.,]+%?$")
#: Stands for a row's number where a page ends.
_PAGE_ENDS = -1
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def words_of(command: CrawlSamples | CrawlCreators | CrawlCampaigns) -> list[str]:
    """Return the middle of the tables' names: whose they are and what was asked for."""
    if isinstance(command, CrawlCreators):
        return [command.region, command.task_id or "search"]
    words = [command.region, "-".join(command.campaigns) or "all"]
    return [*words, "-".join(command.tabs)] if isinstance(command, CrawlSamples) else words


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a crawl, and how many of its pages they lack: those that were read on another machine."""

    files: list[Path]
    lacking: int = 0


@dataclass(frozen=True, slots=True)
class Exports:
    """Where tables go: `<folder>/manage_sample/samples_MX_all_completed_20260101_120000.xlsx`."""

    folder: Path
    kind: str

    async def add(self, crawl_id: str, page_id: str, rows: Sequence[dict[str, Any]]) -> None:
        """Keep the rows of a page; one that comes again, after a crash, is in the tables once."""
        await asyncio.to_thread(self._add, crawl_id, page_id, rows)

    async def finish(self, crawl_id: str, words: Sequence[str], now: datetime, pages: int = 0) -> Tables:
        """Write what was kept of `pages` pages as a workbook and CSV; `words` are the middle of their name."""
        return await asyncio.to_thread(self._finish, crawl_id, words, now, pages)

    def waits(self, crawl_id: str) -> bool:
        """Tell whether rows of a crawl wait to be written."""
        return self._waiting(crawl_id).exists()

    def forget(self, crawl_id: str) -> None:
        """Let go of what waits of a crawl that begins anew."""
        self._waiting(crawl_id).unlink(missing_ok=True)

    def _add(self, crawl_id: str, page_id: str, rows: Sequence[dict[str, Any]]) -> None:
        waiting = self._waiting(crawl_id)
        waiting.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not waiting.exists():
            self._tidy()
        with waiting.open("a", encoding="utf-8") as file:
            lines = (json.dumps([page_id, *each]) for each in [*enumerate(rows), (_PAGE_ENDS, {})])
            file.writelines(line + "\n" for line in lines)

    def _finish(self, crawl_id: str, words: Sequence[str], now: datetime, pages: int) -> Tables:
        folder = self.folder / _FOLDERS[self.kind]
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        parts = [re.sub(r"[^\w-]+", "-", each)[:60] for each in (_NAMES[self.kind], *words)]
        base = folder / ("_".join(parts) + f"_{now:%Y%m%d_%H%M%S}")
        waiting = self._waiting(crawl_id)
        files = [base.with_suffix(".csv"), base.with_suffix(".xlsx")]
        for path, write in zip(files, (_write_csv, _write_workbook), strict=True):
            part = path.with_name(path.name + ".part")  # half a table is none
            write(part, COLUMNS[self.kind], _kept(waiting))
            part.replace(path)
        lacking = max(pages - sum(1 for _, number, _ in _lines(waiting) if number == _PAGE_ENDS), 0)
        waiting.unlink(missing_ok=True)
        return Tables(files, lacking)

    def _tidy(self) -> None:
        """Remove what waits of crawls that can never go on: their cursors have gone, and rows are about people."""
        for path in (self.folder / ".waiting").iterdir():
            if path.stat().st_mtime < time.time() - KEPT.total_seconds():
                path.unlink(missing_ok=True)

    def _waiting(self, crawl_id: str) -> Path:
        return self.folder / ".waiting" / f"{file_name(crawl_id)}.jsonl"


def cell(value: Any) -> str | int | float | None:
    """Return a value as a spreadsheet may have it: JSON for what has parts, nothing that it would calculate."""
    if value is None or isinstance(value, int | float):
        return value
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    text = _FORBIDDEN.sub("", text)
    if _FORMULA.match(text) and not _NUMBER.match(text):
        text = "'" + text
    return text[:_LONGEST_CELL]


def _kept(waiting: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows that wait, each page's once."""
    seen: set[tuple[str, int]] = set()
    for page_id, number, row in _lines(waiting):
        if number != _PAGE_ENDS and (page_id, number) not in seen:
            seen.add((page_id, number))
            yield row


def _lines(waiting: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield what waits; half a line, of a process that was killed while it wrote, is left out."""
    if not waiting.exists():
        return
    with waiting.open(encoding="utf-8") as file:
        for line in file:
            try:
                page_id, number, row = json.loads(line)
            except ValueError:
                continue
            yield page_id, number, row


def _write_csv(path: Path, columns: Sequence[str], rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8-sig") as file:  # the mark tells spreadsheets the encoding
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([cell(row.get(name)) for name in columns] for row in rows)


def _write_workbook(path: Path, columns: Sequence[str], rows: Iterator[dict[str, Any]]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    sheet.append(columns)
    for number, row in enumerate(rows, start=2):
        if number > _MOST_ROWS:
            break
        sheet.append([cell(row.get(name)) for name in columns])
    book.save(path)
