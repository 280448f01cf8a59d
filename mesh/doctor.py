"""`mesh doctor`: every dependency checked, and for each that is not well, how to mend it."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from rich.console import Console
from rich.table import Table

from mesh import logs
from settings import Settings


class Health(StrEnum):
    """How one check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `remedy` says how to mend it."""

    health: Health
    said: str
    remedy: str = ""


Check = Callable[[Settings], Awaitable[Finding]]

#: No dependency that is well needs longer.
_PATIENCE_SECONDS = 15

_STYLES = {Health.OK: "green", Health.WARN: "yellow", Health.FAIL: "bold red"}


def run(*, as_json: bool = False) -> int:
    """Check everything; 1 if something fails."""
    from mesh.examinations import CHECKS  # noqa: PLC0415 - it needs the types above

    logs.configure("error", "console")
    findings = asyncio.run(examine(CHECKS, Settings()))
    _print_json(findings) if as_json else _print_table(findings)
    return int(any(finding.health is Health.FAIL for finding in findings.values()))


async def examine(checks: dict[str, Check], settings: Settings) -> dict[str, Finding]:
    """Run all checks side by side."""
    found = await asyncio.gather(*(_examined(check, settings) for check in checks.values()))
    return dict(zip(checks, found, strict=True))


async def _examined(check: Check, settings: Settings) -> Finding:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await check(settings)
    except TimeoutError:
        return Finding(Health.FAIL, f"no answer within {_PATIENCE_SECONDS} s", "see whether it is overloaded or hangs")
    except Exception as error:  # noqa: BLE001 - whatever a check meets is its finding
        return Finding(Health.FAIL, f"{type(error).__name__}: {error}")


def _print_json(findings: dict[str, Finding]) -> None:
    json.dump([{"check": name, **asdict(finding)} for name, finding in findings.items()], sys.stdout, indent=2)
    sys.stdout.write("\n")


def _print_table(findings: dict[str, Finding]) -> None:
    table = Table("check", "", "found", "what to do", box=None, pad_edge=False)
    for name, finding in findings.items():
        style = _STYLES[finding.health]
        table.add_row(name, f"[{style}]{finding.health}[/]", finding.said, finding.remedy)
    Console(highlight=False).print(table)
