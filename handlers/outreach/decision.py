"""What a creator is written: the first text, the later one, or nothing. A pure function, tested row by row."""

from collections.abc import Sequence
from typing import NamedTuple

from schemas.outreach.records import Decision, Strategy

#: Messages without an answer after which a creator is left in peace.
PATIENCE = 5
#: As much of a creator's history as is looked at, the latest first.
HISTORY = 20


class Past(NamedTuple):
    """One time that a creator was written to: whether the chat showed it, whether it was answered, and the brand."""

    connected: bool
    replied: bool
    brand: str | None


class Chat(NamedTuple):
    """What the creator's chat shows: any message at all, and any from the creator's side."""

    connected: bool = False
    replied: bool = False


class Verdict(NamedTuple):
    """What a creator is written, and why."""

    decision: Decision
    reason: str


def decide(strategy: int, brand: str | None, history: Sequence[Past], chat: Chat) -> Verdict:
    """Decide by the task's strategy and brand, the creator's history and what the chat shows."""
    replied = chat.replied or any(past.replied for past in history)
    if strategy == Strategy.FOLLOW_UP_ONLY:
        return _follow_up(history, chat, replied=replied)
    if replied:
        return Verdict(Decision.SKIP, "has replied")
    if len(history) >= PATIENCE:
        return Verdict(Decision.SKIP, f"was written to {len(history)} times without a reply")
    if not chat.connected and not any(past.connected for past in history):
        return Verdict(Decision.FIRST, "a chat that shows nothing of it" if history else "never written to")
    if strategy == Strategy.FIRST_ONLY:
        return Verdict(Decision.SKIP, "was written to before, and the task is for first contacts only")
    return _for_brand(brand, history)


def _follow_up(history: Sequence[Past], chat: Chat, *, replied: bool) -> Verdict:
    if not history and not chat.connected:
        return Verdict(Decision.SKIP, "never written to, and the task is for follow-ups only")
    if replied:
        return Verdict(Decision.SKIP, "has replied")
    return Verdict(Decision.LATER, "a follow-up")


def _for_brand(brand: str | None, history: Sequence[Past]) -> Verdict:
    wanted = _folded(brand)
    if not wanted:
        return Verdict(Decision.LATER, "known, and the task names no brand")
    if wanted in {_folded(past.brand) for past in history}:
        return Verdict(Decision.SKIP, "was written to for this brand before")
    return Verdict(Decision.LATER, "known, but not for this brand")


def _folded(brand: str | None) -> str:
    return (brand or "").strip().casefold()
