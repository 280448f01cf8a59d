"""One suite against one pair of servers: run within its time, and counted from what pytest wrote."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from tests.matrix.cells import SUITES, Cell

ROOT = Path(__file__).parents[2]
#: A suite that is asked to end stops its services in order, for which the slowest have taken half a minute.
_LAST_ORDERS_SECONDS = 60


@dataclass(slots=True)
class Result:
    """What one suite came to."""

    cell: str
    suite: str
    broker: str = ""
    sql: str = ""
    passed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    day: date = field(default_factory=lambda: datetime.now(UTC).date())
    failures: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether everything that there is was run and passed."""
        return not self.failures and not self.skipped and self.passed > 0


def run(
    cell: Cell, suite: str, work: Path, log: Path, environment: Mapping[str, str], say: Callable[[str], None]
) -> Result:
    """Run a suite to its end or to the end of its time."""
    written = work / "written.xml"
    written.unlink(missing_ok=True)
    options = ["-vv", "-p", "no:cacheprovider", f"--basetemp={work / 't'}", f"--junitxml={written}"]
    command = [sys.executable, "-m", "pytest", *cell.arguments(suite), *options]
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, env=dict(environment), start_new_session=True
        )
    try:
        outcome = _followed(process, log, began + SUITES[suite], say)
    finally:
        _end(process)
    result = counted(cell, suite, written)
    result.seconds = time.monotonic() - began
    if outcome and not result.failures:
        result.failures.append(f"{outcome}; see {log}")
    return result


def counted(cell: Cell, suite: str, written: Path) -> Result:
    """Read pytest's own account of a run, and hold the versions against those that were meant."""
    result = Result(cell.name, suite)
    if not written.exists():
        return result
    tests = ET.parse(written).getroot().find("testsuite")
    assert tests is not None
    for case in tests.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            result.failures.append(f"{case.get('classname')}::{case.get('name')}")
        elif case.find("skipped") is not None:
            result.skipped += 1
        else:
            result.passed += 1
    noted = {each.get("name", ""): each.get("value", "") for each in tests.iter("property")}
    result.broker = noted.get("broker", "")
    result.sql = noted.get("sql", "") if cell.sql else f"SQLite {sqlite3.sqlite_version}"
    for meant, said in ((cell.broker, result.broker), (cell.sql, result.sql)):
        if meant and said and not meant.is_what(said):
            result.failures.append(f"{meant} was meant, and {said} answered")
    return result


def _followed(process: subprocess.Popen[bytes], log: Path, deadline: float, say: Callable[[str], None]) -> str | None:
    """Wait for the end, telling how far it is; return what went wrong, if anything."""
    while (code := process.poll()) is None:
        if time.monotonic() > deadline:
            return "stopped, its time was over"
        say(progress_of(log.read_text(errors="replace")))
        with suppress(subprocess.TimeoutExpired):
            process.wait(1)
    return f"pytest ended with {code}" if code else None


def progress_of(output: str) -> str:
    """Return how far pytest says it is."""
    found = re.findall(r"\[ *(\d+)%\]", output)
    return f"{found[-1]} %" if found else "starting"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask a run that is still going to end, as Ctrl-C does, and insist in the end."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LAST_ORDERS_SECONDS)
