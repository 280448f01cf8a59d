"""What an answer is worked out from, and what comes out of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from persistence.uow import Transaction
from schemas.replies.intents import Intent
from schemas.replies.records import ChatMessage, ReplyKind, Thread
from schemas.replies.stock import HoldTerms


@dataclass(frozen=True, slots=True)
class Policy:
    """The shop's rules: how pieces are kept, how long an order waits to be paid and a person answers."""

    hold: HoldTerms = field(default_factory=HoldTerms)
    pay_within: timedelta = timedelta(hours=24)
    handoff: timedelta = timedelta(hours=12)

    @property
    def minutes(self) -> int:
        """How long a piece is kept."""
        return int(self.hold.ttl.total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Scene:
    """A conversation at the moment of an answer, inside the transaction that writes the answer down.

    `history` is what was said before, oldest first. `message_id` is TikTok's of what is being answered.
    """

    tx: Transaction
    thread: Thread
    now: datetime
    policy: Policy
    history: Sequence[ChatMessage] = ()
    message_id: str | None = None

    @property
    def user_id(self) -> str:
        """The customer. It comes from what TikTok signed and from nowhere else."""
        return self.thread.user_id


@dataclass(frozen=True, slots=True)
class Said:
    """What is said to a customer; `proposal` is what a yes would confirm."""

    body: str
    intent: Intent
    kind: ReplyKind = ReplyKind.ANSWER
    shows_menu: bool = False
    proposal: dict[str, Any] | None = None
