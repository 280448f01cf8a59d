"""How far a crawl has come: what its display shows and its log says."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Progress:
    """What a crawl has done; `expected` is how many pages or creators there will be, once the site has said so."""

    crawl: str
    account: str = ""
    doing: str = "starting"
    place: str = ""
    pages: int = 0
    expected: int | None = None
    rows: int = 0
    published: int = 0
    skipped: int = 0
    recoveries: int = 0
    note: str = ""
    was_done: bool = False
    #: Pages that a sink was told, over all turns.
    tabled: int = 0


#: Called whenever something has moved; it must be quick.
Watch = Callable[[Progress], None]


def unwatched(progress: Progress) -> None:
    """Show nothing."""
