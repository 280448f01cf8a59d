"""`mesh replies eval`: how well messages are read, by whoever reads them, on the messages kept with the prompts."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.replies.deciding import Away, Decider
from adapters.replies.local import Local
from adapters.replies.prompts import Example, prompts
from adapters.replies.recorded import Recorded, line_of
from mesh.compose import Unconfigured
from mesh.console import console, notes, print_json, table
from mesh.model import model_of
from schemas.replies.intents import Guess
from settings import Settings

#: Out of a hundred; the reader that needs no key understands less than a model, and says so.
ENOUGH: Final = 80
COLUMNS: Final = ["message", "expected", "read as", "right"]


@dataclass(frozen=True, slots=True)
class Tried:
    """A message, and what was read in it."""

    example: Example
    read: Guess | Away

    @property
    def wrong(self) -> list[str]:
        """The fields that were read otherwise than they are meant."""
        if isinstance(self.read, Away):
            return ["away"]
        return [name for name, value in self.example.expected.items() if not _is(getattr(self.read, name), value)]


def evaluate(*, reader: str, record: Path | None, as_json: bool) -> int:
    """Try a reader (`local`, `recorded`, `live`), print what it read, and return 1 where it is not good enough."""
    try:
        decider = _reader(reader)
    except Unconfigured as error:
        notes.print(str(error), style="red", markup=False)
        return 1
    tried = asyncio.run(_try(decider))
    if record is not None:
        version = prompts().version
        lines = [line_of(each.example.question, version, each.read) for each in tried if isinstance(each.read, Guess)]
        record.write_text("\n".join(lines) + "\n", encoding="utf-8")
    right = sum(not each.wrong for each in tried)
    intents = sum("intent" not in each.wrong and "away" not in each.wrong for each in tried)
    if as_json:
        print_json({"reader": decider.name, "messages": len(tried), "right": right, "intents_right": intents})
    else:
        console.print(table(f"Read by {decider.name}", COLUMNS, [_row(each) for each in tried]))
        console.print(f"{intents} of {len(tried)} intents right, {right} right in every field that matters.")
    return 0 if intents * 100 >= ENOUGH * len(tried) else 1


def _reader(name: str) -> Decider:
    if name == "local":
        return Local()
    if name == "recorded":
        return Recorded.of()
    found = model_of(Settings())
    if found is None:
        raise Unconfigured("MESH_MODEL_BASE_URL or MESH_MODEL_API_KEY must be set: there is no model to ask.")
    return found


async def _try(decider: Decider) -> Sequence[Tried]:
    return [Tried(each, await decider.classify(each.question)) for each in prompts().evaluation]


def _row(tried: Tried) -> tuple[Any, ...]:
    read = tried.read
    shown = str(read.why) if isinstance(read, Away) else f"{read.intent} {read.confidence:.2f}"
    return tried.example.question.text, str(tried.example.expected), shown, ", ".join(tried.wrong) or "yes"


def _is(read: object, meant: object) -> bool:
    if isinstance(read, str) and isinstance(meant, str):
        return read.strip().lower() == meant.strip().lower()
    return read == meant
