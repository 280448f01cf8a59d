"""What commands print: tables for people, JSON for programs, durations that read well."""

import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

#: Files and pipes have no width of their own unless COLUMNS says so: tables get room enough that no cell is broken.
_WIDE = 160

console = Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDE)
notes = Console(highlight=False, stderr=True)  # what is not the answer, so that --json stays JSON


def print_json(value: Any) -> None:
    """Print JSON to standard output, indented; datetimes in ISO 8601."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    """Return a table; numbers are right-aligned, None is a dash, and what names a row is never broken.

    A column without a single value is left out: a terminal of 80 characters has no room for dashes.
    """
    made = Table(title=title, title_justify="left", header_style="bold", title_style="bold")
    shown = [index for index in range(len(columns)) if any(row[index] is not None for row in rows)]
    for index in shown:
        numeric = all(isinstance(row[index], int | float | None) for row in rows)
        made.add_column(columns[index], justify="right" if numeric else "left", overflow="fold", no_wrap=not index)
    for row in rows:
        made.add_row(*(_cell(row[index]) for index in shown))
    return made


def age(since: datetime | None, now: datetime) -> str | None:
    """Return how long ago, in the largest unit that leaves at least one: 45 s, 12 min, 3 h, 2 d."""
    if since is None:
        return None
    seconds = max((now - since).total_seconds(), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
