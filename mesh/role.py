"""One role of the mesh as a child process."""

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from mesh.embedded.process import ChildProcess, tail

#: A log that grew beyond this in earlier runs is begun anew.
_LOG_BYTES = 10_000_000


class Role:
    """A `python -m mesh …` child, logging to a file of its own."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "mesh", *arguments]
        self._environment = dict(environment)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._child = ChildProcess(name, folder)
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.unlink()

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._child.log

    @property
    def pid(self) -> int:
        """Its present process id."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether its process is alive right now."""
        return self._child.is_running

    def reconfigure(self, **settings: str) -> None:
        """Give it other settings, from its next start on."""
        self._environment |= settings

    async def start(self) -> None:
        """Start its process."""
        await self._child.spawn(self._command, self._environment)

    async def ended(self) -> int:
        """Return its exit code once it has ended."""
        return await self._child.wait()

    async def stop(self, patience: timedelta) -> None:
        """Let it drain, then end it."""
        await self._child.stop(patience)

    def hurry(self) -> None:
        """End it now."""
        self._child.hurry()

    def last_words(self) -> str:
        """Return the end of its log."""
        return f"The end of {self.log}:\n{tail(self.log)}"
