"""Counting messages inside the process that consumes them: how fast they came, which are missing, which came twice."""

import os
import time
from pathlib import Path
from typing import Any, ClassVar

import orjson

from schemas.base import ForeignCommand


class Tick(ForeignCommand):
    """One of the messages that are counted."""

    key: ClassVar[str] = "bench.consume"

    number: int
    text: str


class Tally:
    """Notes the numbers from 0 up to `expected`; tells when all have come, and once more at the end."""

    def __init__(self, expected: int, file: Path) -> None:
        self._times = bytearray(expected)  # how often each came; a 256th time is an error, and so it should be
        self._missing = expected
        self._file = file
        self._began = self._ended = 0.0

    @classmethod
    def of_process(cls, expected: int) -> "Tally":
        """Return the tally of a process of a benchmark's place."""
        return cls(expected, file_in(Path(os.environ["MESH_DATA_DIR"])))

    def note(self, number: int) -> None:
        """Count one message."""
        self._times[number] += 1
        if self._times[number] > 1:
            return
        if not self._began:
            self._began = time.monotonic()
        self._missing -= 1
        if not self._missing:
            self._ended = time.monotonic()
            self.write()

    def write(self) -> None:
        """Tell what was counted; the last word counts, said once nothing more can come."""
        told = {
            "received": sum(self._times),
            "distinct": len(self._times) - self._missing,
            "seconds": self._ended - self._began if self._ended else None,
        }
        unfinished = self._file.with_suffix(".part")
        unfinished.write_bytes(orjson.dumps(told))
        unfinished.replace(self._file)


def file_in(folder: Path) -> Path:
    """Return where a tally is written."""
    return folder / "consumed.json"


def read(folder: Path) -> dict[str, Any] | None:
    """Return the last word of a tally, or None before the first."""
    try:
        told: dict[str, Any] = orjson.loads(file_in(folder).read_bytes())
    except FileNotFoundError:
        return None
    return told
