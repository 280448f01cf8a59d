"""The table in the page on compatibility: rows that were run are renewed, the others and all prose stay."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.matrix.cells import CELLS
from tests.matrix.suites import Result

PAGE = Path(__file__).parents[2] / "deploy" / "COMPATIBILITY.md"
BEGIN, END = "<!-- make matrix writes from here -->", "<!-- to here -->"
_HEAD = ("cell", "suite", "RabbitMQ", "SQL", "passed", "failed", "skipped", "seconds", "date")
_ORDER = {(cell.name, suite): number for number, (cell, suite) in enumerate((c, s) for c in CELLS for s in c.suites)}
_Row = Sequence[str]


def renewed(page: str, results: Iterable[Result]) -> str:
    """Return the page with the rows of these results in the place of older ones; raises ValueError without marks."""
    before, begin, rest = page.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has lost its marks: {BEGIN} and {END}")
    rows = {(row[0], row[1]): row for row in _rows(table)}
    rows.update({(row[0], row[1]): row for row in map(_row, results)})
    known = sorted((key for key in rows if key in _ORDER), key=_ORDER.__getitem__)
    lines = [_line(_HEAD), _line(["---"] * 4 + ["--:"] * 4 + ["---"]), *(_line(rows[key]) for key in known)]
    return f"{before}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{after}"


def write(results: Iterable[Result], page: Path = PAGE) -> None:
    """Renew the page in its place."""
    page.write_text(renewed(page.read_text(), results))


def _rows(table: str) -> list[_Row]:
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[each.strip() for each in line.strip("|").split("|")] for line in lines[2:]]


def _row(result: Result) -> _Row:
    counts = (result.passed, len(result.failures), result.skipped, round(result.seconds))
    versions = (result.broker.removeprefix("RabbitMQ ") or "-", result.sql or "-")
    return [result.cell, result.suite, *versions, *map(str, counts), result.day.isoformat()]


def _line(row: _Row) -> str:
    return f"| {' | '.join(row)} |"
