"""A role whose clock and files a scenario tampers with while it runs: `python -m tests.chaos.tampered worker`."""

import os
import resource
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

TAMPERING = "CHAOS_TAMPERING"  # the folder in which a scenario leaves what it wants, one number a file
LOOK_SECONDS = 0.05
MOST_PAGES = 2**30


class Tampering:
    """What a scenario does to its roles; each of them looks at it again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def set(self, name: str, value: float) -> None:
        fresh = self.folder / f"{name}.new"
        fresh.write_text(str(value))
        fresh.rename(self.folder / name)

    def unset(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def get(self, name: str) -> float | None:
        try:
            return float((self.folder / name).read_text())
        except FileNotFoundError:
            return None


def shifted(clock: Callable[[], datetime], tampering: Tampering, name: str) -> Callable[[], datetime]:
    """Return a clock that is wrong by so many seconds as a scenario says."""
    return lambda: clock() + timedelta(seconds=tampering.get(name) or 0)


def limit_files(tampering: Tampering) -> None:
    """Let no file of this process grow beyond what a scenario says: writes then fail as on a disk with a quota."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    while True:
        limit = tampering.get("file size")
        resource.setrlimit(resource.RLIMIT_FSIZE, (most if limit is None else int(limit), most))
        time.sleep(LOOK_SECONDS)


def tamper(tampering: Tampering) -> None:
    """Put the clocks and limits in place, before anything else is imported that would keep its own."""
    import schemas.clock

    # One process of several may be meant: its own clock is named after the port that it was given.
    own = f"clock of {os.environ.get('MESH_PUBLISHERS_METRICS_PORT')}"
    schemas.clock.utc_now = shifted(schemas.clock.utc_now, tampering, own)

    from sqlalchemy import Engine, event

    from persistence.engine import Database

    servers = Database.now

    async def now(database: Database) -> datetime:
        return await servers(database) + timedelta(seconds=tampering.get("clock of the database") or 0)

    Database.now = now  # type: ignore[method-assign]  # that is what tampering is

    @event.listens_for(Engine, "begin")
    def limit_pages(connection: Any) -> None:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA max_page_count = {int(tampering.get('pages') or MOST_PAGES)}").close()

    threading.Thread(target=limit_files, args=[tampering], daemon=True).start()


if __name__ == "__main__":
    tamper(Tampering(Path(os.environ[TAMPERING])))

    from mesh.cli import main

    main()
