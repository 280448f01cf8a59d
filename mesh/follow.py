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


async def follow(logs: Mapping[str, Path], console: Console, begin: Mapping[str, int]) -> None:
    """Print what is added to the logs, from the given offsets on, until cancelled."""
    styles = dict(zip(logs, _ROLE_STYLES * len(logs), strict=False))
    offsets = dict(begin)
    while True:
        for role, path in logs.items():
            lines, offsets[role] = _added(path, offsets.get(role, 0))
            for line in lines:
                console.print(_line(role, styles[role], line), soft_wrap=True)
        await asyncio.sleep(_LOOK)


def sizes(logs: Mapping[str, Path]) -> dict[str, int]:
    """Return where each log ends now."""
    return {role: path.stat().st_size if path.exists() else 0 for role, path in logs.items()}


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
