"""What models are told, by version: a new wording is a new folder, since every reply names the one it was read with."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from adapters.replies.deciding import Question, Turn
from schemas.replies.intents import Guess, Intent, guess

CURRENT: Final = "v1"


@dataclass(frozen=True, slots=True)
class Example:
    """A message and what it means; in an evaluation `expected` names only the fields that matter."""

    question: Question
    expected: dict[str, Any]

    @property
    def guess(self) -> Guess:
        """The whole answer that a model is shown."""
        said = dict(self.expected)
        return guess(Intent(said.pop("intent")), float(said.pop("confidence", 0.95)), **said)


@dataclass(frozen=True, slots=True)
class Prompts:
    """One version: what the model is told, the examples it is shown, the messages it is tried on."""

    version: str
    system: str
    examples: tuple[Example, ...]
    evaluation: tuple[Example, ...]


def prompts(version: str = CURRENT) -> Prompts:
    """Read a version."""
    folder = files("adapters.replies.prompts") / version
    return Prompts(
        version,
        (folder / "system.md").read_text(encoding="utf-8").strip(),
        _examples((folder / "examples.jsonl").read_text(encoding="utf-8")),
        _examples((folder / "eval.jsonl").read_text(encoding="utf-8")),
    )


def _examples(lines: str) -> tuple[Example, ...]:
    found = []
    for line in filter(None, lines.splitlines()):
        read = json.loads(line)
        history = tuple(Turn(who == "customer", text) for who, text in read.get("before", []))
        found.append(Example(Question(read["text"], "example", history), read["expected"]))
    return tuple(found)
