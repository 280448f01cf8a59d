"""What is asked of whoever reads a message that fixed words do not decide, and what may come back."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from schemas.replies.intents import Guess


class Turn(NamedTuple):
    """One thing that was said before."""

    is_customer: bool
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A message to be read; `customer` is a pseudonym, since no vendor needs to know whose words these are."""

    text: str
    customer: str
    history: Sequence[Turn] = ()


class Why(StrEnum):
    """Why nobody read a message."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"
    REFUSED = "refused"
    BROKEN = "broken answer"
    MISCONFIGURED = "misconfigured"
    BREAKER = "breaker open"
    BUDGET = "budget spent"


@dataclass(frozen=True, slots=True)
class Away:
    """Nobody read the message, and why; whoever asked has another way to answer."""

    why: Why
    detail: str = ""


class Decider(Protocol):
    """Reads messages. Never raises for what a vendor does, and never takes longer than it was given."""

    @property
    def name(self) -> str:
        """What replies are noted to be decided by."""
        ...

    @property
    def version(self) -> str | None:
        """Which prompts it reads with; None where it has none."""
        ...

    @property
    def instructions(self) -> str:
        """What no customer may be told."""
        ...

    async def classify(self, question: Question) -> Guess | Away:
        """Return what a message means, or why nobody could tell."""
        ...
