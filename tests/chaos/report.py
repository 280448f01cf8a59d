"""What a chaos run says: each scenario as it begins and ends, a table of the counters, and a JSON file."""

import json
import platform
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.chaos.oracle import Counters

REASON_LENGTH = 100  # of a dead letter's reason, in the table; the file has all that the letter says


@dataclass(frozen=True, order=True)
class Parked:
    """Dead letters of one queue for one reason."""

    queue: str
    error_class: str
    reason: str
    count: int

    @classmethod
    def grouped(cls, letters: Counter[tuple[str, str, str]]) -> list["Parked"]:
        return sorted(cls(*which, count) for which, count in letters.items())


@dataclass
class Outcome:
    """What a scenario came to; printed, so that a failure can be replayed."""

    scenario: str
    seed: int
    samples: Counters
    reminders: Counters
    recovery: float
    parked: list[Parked] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    table: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        facts = " ".join(f"{name}={value}" for name, value in self.facts.items())
        yield f"{self.scenario}  seed={self.seed}  recovery={self.recovery:.1f}s  {facts}".rstrip()
        yield f"  samples   {self.samples.row()}"
        yield f"  reminders {self.reminders.row()}"
        for each in self.parked:
            yield f"  dead      {each.queue} {each.count} {each.error_class}: {each.reason[:REASON_LENGTH]}"
        yield from (f"  {row}" for row in self.table)


@dataclass
class Told:
    """One scenario of a run: what it came to, if it came to anything, and whether that was right."""

    test: str
    seeds: list[int] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    problem: str = ""

    @property
    def name(self) -> str:
        """The scenario as a sentence: the name of its test."""
        return self.test.rpartition("::")[2].removeprefix("test_").replace("_", " ")

    @property
    def is_right(self) -> bool:
        return not self.problem

    def lines(self) -> Iterator[str]:
        verdict = "right" if self.is_right else "WRONG"
        yield f"{verdict} after {self.seconds:.0f} s: {self.name}"
        if not self.outcomes:
            yield f"  no verdict  seed={','.join(map(str, self.seeds)) or 'none drawn'}"
        for outcome in self.outcomes:
            yield from (f"  {line}" for line in outcome.lines())


class Report:
    """Collects what the scenarios of one run tell; `say` is told of each as it begins and as it ends."""

    def __init__(self, say: Callable[[str], None], planned: int) -> None:
        self.planned = planned
        self.is_kept = False
        self.told: dict[str, Told] = {}
        self._say = say

    def begin(self, test: str, seed: int) -> None:
        told = self.told.setdefault(test, Told(test))
        told.seeds.append(seed)
        self._say(f"[{len(self.told)}/{self.planned}] {told.name}  seed={seed}")

    def note(self, test: str, outcome: Outcome) -> None:
        self.told.setdefault(test, Told(test)).outcomes.append(outcome)

    def spent(self, test: str, seconds: float, problem: str) -> None:
        """Note that a part of a scenario is over, and what went wrong in it."""
        told = self.told.setdefault(test, Told(test))
        told.seconds += seconds
        told.problem = told.problem or problem

    def end(self, test: str) -> None:
        for line in self.told[test].lines():
            self._say(f"      {line}")

    def table(self) -> Iterator[str]:
        yield f"{'':12}{Counters.head()}"
        for told in self.told.values():
            if not told.is_right:
                yield f"WRONG: {told.name} (seed {', '.join(map(str, told.seeds))})"
            for outcome in told.outcomes:
                yield from outcome.lines()

    def write(self, folder: Path) -> Path:
        """Keep the run as JSON; return the file."""
        folder.mkdir(parents=True, exist_ok=True)
        at = datetime.now(UTC)
        file = folder / f"{at:%Y%m%d-%H%M%S}.json"
        scenarios = [{**asdict(told), "name": told.name, "is_right": told.is_right} for told in self.told.values()]
        is_right = all(told.is_right for told in self.told.values())
        page = {"at": at.isoformat(), "machine": platform.platform(), "is_right": is_right, "scenarios": scenarios}
        file.write_text(json.dumps(page, indent=2, default=str, ensure_ascii=False))
        return file
