"""The roles' log files as one stream for people: each line with its role, JSON turned into words."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

_LOOK = 0.2

_ROLE_STYLES = ("cyan", "magenta", "green", "blue", "yellow")
_LEVEL_STYLES = {"debug": "dim", "info": "", "warning": "yellow", "error": "bold red", "critical": "bold red"}


class Follower:
    """Prints what is added to some logs from now on."""

    def __init__(self, logs: Mapping[str, Path], console: Console) -> None:
        self._logs = logs
        self._console = console
        self._styles = dict(zip(logs, _ROLE_STYLES * len(logs), strict=False))
        self._offsets = {role: path.stat().st_size if path.exists() else 0 for role, path in logs.items()}

    async def follow(self) -> None:
        """Print until cancelled."""
        while True:
            self.catch_up()
            await asyncio.sleep(_LOOK)

    def catch_up(self) -> None:
        """Print what was added since the last time."""
        for role, path in self._logs.items():
            lines, self._offsets[role] = _added(path, self._offsets[role])
            for line in lines:
                self._console.print(_line(role, self._styles[role], line), soft_wrap=True)


def _added(path: Path, offset: int) -> tuple[Iterable[str], int]:
    """Return the whole lines beyond an offset, and where they end."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            added = file.read()
    except OSError:
        return (), offset
    whole = added[: added.rfind(b"\n") + 1]
    return whole.decode(errors="replace").splitlines(), offset + len(whole)


def _line(role: str, style: str, line: str) -> Text:
    text = Text(f"{role:>10} │ ", style=style)
    try:
        record = json.loads(line)
        time, level, event = record.pop("timestamp", ""), record.pop("level", "info"), record.pop("event")
    except (ValueError, KeyError, AttributeError, TypeError):
        return text.append(line, style="")
    exception = record.pop("exception", "")
    text.append(f"{time[11:19]} ", style="dim").append(f"{event:<28}", style=_LEVEL_STYLES.get(level, ""))
    text.append(" ".join(f"{key}={value}" for key, value in record.items()), style="dim")
    return text.append(f"\n{exception}", style="red") if exception else text
