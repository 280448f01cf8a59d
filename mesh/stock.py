"""`mesh stock`: pieces are brought in from a file, listed, and looked for as a customer would."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from mesh.compose import Composition, in_transaction
from mesh.console import console, notes, print_json, table
from persistence.replies.stock import Imported
from persistence.uow import Transaction
from schemas.clock import utc_now
from schemas.replies.stock import Item, ItemStatus, StockView
from schemas.replies.stock_file import RowError, StockFile, UnreadableFileError, read_stock_file
from schemas.replies.wishes import wish_of
from settings import Settings

#: Rows of one transaction: short enough that customers are answered in between.
AT_ONCE = 100
COLUMNS = ["sku", "name", "tag", "KES", "status", "held until (UTC)"]
ERROR_COLUMNS = ["line", "sku", "column", "what is wrong"]


def import_file(path: Path, *, is_dry_run: bool, as_json: bool) -> int:
    """Bring the good rows of a file in, tell of the others, and return 1 if there were any."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            stock = read_stock_file(lines, utc_now())
    except (UnreadableFileError, UnicodeDecodeError) as error:
        notes.print(f"{path}: {error}", style="red", markup=False)
        return 1
    done = Imported(0, 0, 0) if is_dry_run else asyncio.run(_put(stock.items))
    if as_json:
        print_json({"imported": done, "errors": stock.errors})
    else:
        _tell(stock, done, is_dry_run=is_dry_run)
    return 1 if stock.errors else 0


async def _put(items: Sequence[Item]) -> Imported:
    composition = Composition(Settings(), "stock")
    total = Imported(0, 0, 0)
    try:
        with _progress() as progress:
            task = progress.add_task("Importing", total=len(items))
            for begin in range(0, len(items), AT_ONCE):
                page = items[begin : begin + AT_ONCE]
                async with composition.database.uow() as tx:
                    met = await tx.stock.put(page)
                total = Imported(total.added + met.added, total.changed + met.changed, total.unchanged + met.unchanged)
                progress.advance(task, len(page))
    finally:
        await composition.close()
    return total


def _tell(stock: StockFile, done: Imported, *, is_dry_run: bool) -> None:
    if stock.errors:
        console.print(table("Rows left out", ERROR_COLUMNS, [_row_of(each) for each in stock.errors]))
    if is_dry_run:
        console.print(f"{len(stock.items)} rows are good, {len(stock.errors)} are not; nothing was changed.")
        return
    console.print(
        f"{done.added} added, {done.changed} changed, {done.unchanged} as they were, {len(stock.errors)} left out."
    )


def _row_of(error: RowError) -> tuple[int, str, str, str]:
    return error.line, error.sku, error.column, error.reason


def listed(status: str | None, *, limit: int, as_json: bool) -> None:
    """Print pieces in order of SKU."""
    wanted = _status(status)

    async def read(tx: Transaction) -> list[StockView]:
        return await tx.stock.listed(utc_now(), limit=limit, status=wanted)

    _print(asyncio.run(in_transaction("stock", read)), as_json=as_json)


def search(words: Sequence[str], *, as_json: bool) -> None:
    """Print what a customer who writes these words would be offered."""
    wish = wish_of(" ".join(words))
    found = asyncio.run(in_transaction("stock", lambda tx: tx.stock.search(wish, utc_now())))
    _print(found, as_json=as_json)


def _print(found: Sequence[StockView], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each.item.sku,
            each.item.name,
            each.item.tag_size,
            each.item.price_kes,
            each.status_for(None).value,
            each.hold.expires_at.strftime("%m-%d %H:%M") if each.hold else None,
        )
        for each in found
    ]
    console.print(table("Stock", COLUMNS, rows) if rows else "No such pieces.")


def _status(word: str | None) -> ItemStatus | None:
    if word is None:
        return None
    try:
        return ItemStatus(word.upper())
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(ItemStatus).lower()}") from None


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        console=notes, transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
