"""Where a crawl goes on after whatever interrupted it."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from crawlers.shelf import Shelf

#: Longer than a command may be retried.
KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A crawl's place, in the crawl's own words, and what has been published before it.

    `failures` counts those in a row at the same place; `began_at` is ISO 8601 in UTC. `worked_s` is the time it was
    worked on, rests and waits left out. `skipped` counts what could not be read, `tabled` the pages that were told to
    a sink, repeated ones each time.
    """

    crawl_id: str
    began_at: str
    place: dict[str, Any] = field(default_factory=dict)
    pages: int = 0
    rows: int = 0
    failures: int = 0
    is_done: bool = False
    worked_s: float = 0.0
    skipped: int = 0
    tabled: int = 0

    def advanced(self, place: dict[str, Any], rows: int) -> "Cursor":
        """Return the cursor after another page."""
        return replace(self, place=place, pages=self.pages + 1, rows=self.rows + rows, failures=0)


class Cursors:
    """Cursors by crawl; written only by whoever holds the account's lease."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def load(self, crawl_id: str, now: datetime) -> Cursor:
        """Return where a crawl stands; a new one stands at its beginning."""
        kept = await self._shelf.get(_name(crawl_id))
        return Cursor(**json.loads(kept)) if kept else Cursor(crawl_id, now.isoformat())

    async def save(self, cursor: Cursor, token: int = 0) -> None:
        """Keep a cursor; raises Outdated where a later holder of the lease has moved it."""
        await self._shelf.put(_name(cursor.crawl_id), json.dumps(asdict(cursor)).encode(), KEPT, token=token)

    async def forget(self, crawl_id: str) -> None:
        """Let a crawl begin anew."""
        await self._shelf.drop(_name(crawl_id))


def _name(crawl_id: str) -> str:
    return f"cursor:{crawl_id}"
