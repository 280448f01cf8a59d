"""A stock file: CSV with a header, one piece a row, each row judged by itself.

https://www.rfc-editor.org/rfc/rfc4180. Columns may come in any order; `COLUMNS` says which must be there.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from schemas.replies.sizes import inches, plain_number
from schemas.replies.stock import CLOTHES_MEASURES, SHOE_MEASURES, Category, Item, Tier
from schemas.replies.words import clean

#: The columns, and whether a file must have them.
COLUMNS: Final[Mapping[str, bool]] = {
    "sku": True,
    "name": True,
    "category": True,
    "tier": True,
    "price_kes": True,
    "tag_size": True,
    "description": False,
    "brand": False,
    "negotiable": False,
    "size_system": False,
    **dict.fromkeys((*CLOTHES_MEASURES, *SHOE_MEASURES), False),
    "fit_notes": False,
    "image_url": False,
}
SKU: Final = re.compile(r"TH-[BMP]-\d{3}")
_TRUE: Final = frozenset({"1", "true", "yes", "y"})
_FALSE: Final = frozenset({"", "0", "false", "no", "n"})
_LONGEST: Final[Mapping[str, int]] = {"name": 255, "tag_size": 50, "brand": 100, "size_system": 16, "image_url": 500}
_DEAREST: Final = 10_000_000


class UnreadableFileError(ValueError):
    """The file as a whole is no stock file: an operator has to mend its header."""


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row, by the line on which it begins."""

    line: int
    sku: str
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class StockFile:
    """The pieces of a file, and what was wrong with its other rows."""

    items: list[Item] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


class _BadCellError(ValueError):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def read_stock_file(lines: Iterable[str], now: datetime) -> StockFile:
    """Read the pieces of a file; raises UnreadableFileError where its header is not one."""
    stock = StockFile()
    seen: dict[str, int] = {}
    for line, row in _rows(lines):
        try:
            item = _item(row, now)
            _check_repeat(item.sku, seen)
        except _BadCellError as error:
            stock.errors.append(RowError(line, (row.get("sku") or "").strip(), error.column, str(error)))
        else:
            seen[item.sku] = line
            stock.items.append(item)
    return stock


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.DictReader((line.lstrip("\ufeff") for line in lines), restkey="", restval="", strict=True)
    try:
        _check_header(reader.fieldnames)
        for row in reader:
            within = sum(str(cell).count("\n") for cell in row.values())
            yield reader.line_num - within, row
    except csv.Error as error:
        raise UnreadableFileError(f"line {reader.line_num} is not CSV: {error}") from error


def _check_repeat(sku: str, seen: Mapping[str, int]) -> None:
    if sku in seen:
        raise _BadCellError("sku", f"is on line {seen[sku]} already")


def _check_header(names: Iterable[str] | None) -> None:
    found = list(names or ())
    missing = [name for name, is_needed in COLUMNS.items() if is_needed and name not in found]
    if missing:
        raise UnreadableFileError(f"the first line must name the columns; missing: {', '.join(missing)}")
    if strange := [name for name in found if name not in COLUMNS]:
        raise UnreadableFileError(f"unknown columns: {', '.join(strange)}; known: {', '.join(COLUMNS)}")


def _item(row: Mapping[str, Any], now: datetime) -> Item:
    if row.get(""):
        raise _BadCellError("", "has more cells than the header; quote a cell that holds a comma")
    cells = {name: clean(row.get(name) or "") for name in COLUMNS}
    for name, longest in _LONGEST.items():
        if len(cells[name]) > longest:
            raise _BadCellError(name, f"is longer than {longest} characters")
    category = _word(cells, "category", Category)
    item = Item(
        sku=_sku(cells["sku"]),
        name=_needed(cells, "name"),
        description=cells["description"] or None,
        category=category,
        tier=_word(cells, "tier", Tier),
        brand=cells["brand"] or None,
        price_kes=_price(cells["price_kes"]),
        negotiable=_truth(cells["negotiable"]),
        tag_size=_needed(cells, "tag_size"),
        size_system=cells["size_system"] or None,
        measurements={name: cells[name] for name in _measures_of(category) if cells[name]},
        fit_notes=cells["fit_notes"],
        image_url=_address(cells["image_url"]),
        created_at=now,
        updated_at=now,
    )
    measured: dict[str, Any] = _measured(cells, category)
    return replace(item, **measured)


def _measures_of(category: Category) -> tuple[str, ...]:
    return CLOTHES_MEASURES if category is Category.CLOTHES else SHOE_MEASURES


def _measured(cells: Mapping[str, str], category: Category) -> dict[str, Decimal | None]:
    own = _measures_of(category)
    for name in (*CLOTHES_MEASURES, *SHOE_MEASURES):
        if name not in own and cells[name]:
            raise _BadCellError(name, f"is no measure of {category.lower()}")
    read = inches if category is Category.CLOTHES else plain_number
    found: dict[str, Decimal | None] = {}
    for name in own:
        try:
            found[name] = read(cells[name])
        except ValueError as error:
            raise _BadCellError(name, str(error)) from None
    return found


def _sku(cell: str) -> str:
    if not SKU.fullmatch(cell.upper()):
        raise _BadCellError("sku", f"{cell!r} is not of the form TH-B-001")
    return cell.upper()


def _needed(cells: Mapping[str, str], name: str) -> str:
    if not cells[name]:
        raise _BadCellError(name, "is empty")
    return cells[name]


def _word(cells: Mapping[str, str], name: str, words: Any) -> Any:
    try:
        return words(cells[name].upper().replace(" ", "_").replace("-", "_"))
    except ValueError:
        raise _BadCellError(name, f"{cells[name]!r} is not one of {', '.join(words)}") from None


def _price(cell: str) -> int:
    digits = cell.replace(",", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(_DEAREST)) or int(digits) > _DEAREST:
        raise _BadCellError("price_kes", f"{cell!r} is not a price in whole shillings")
    return int(digits)


def _truth(cell: str) -> bool:
    if cell.lower() not in _TRUE | _FALSE:
        raise _BadCellError("negotiable", f"{cell!r} is neither yes nor no")
    return cell.lower() in _TRUE


def _address(cell: str) -> str | None:
    if cell and not cell.startswith("https://"):
        raise _BadCellError("image_url", "is not an https address")
    return cell or None
