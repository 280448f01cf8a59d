"""Whether a reply may be sent now: the window, the quota, the customer's will, a person at work, pauses."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from persistence.replies.standing import Leave
from schemas.replies.records import Handoff, Reply, ReplyKind, ReplyState, Thread, Tokens
from schemas.replies.window import QUOTA, QUOTA_OF_MOST, is_open

#: What an operator may mend, or let go on earlier, is looked at again after that.
LOOK_AGAIN: Final = timedelta(minutes=1)


#: Why nothing more is said by the bot.
PERSON: Final = "a person answers"


def is_with_person(thread: Thread, now: datetime) -> bool:
    """Tell whether a person of the shop has the conversation."""
    return thread.handoff is Handoff.HUMAN and (thread.handoff_until is None or thread.handoff_until > now)


@dataclass(frozen=True, slots=True)
class Never:
    """A reply will not be sent."""

    state: ReplyState
    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nothing may be sent in this conversation before a moment."""

    until: datetime
    reason: str


def never(reply: Reply, thread: Thread, leave: Leave, now: datetime) -> Never | None:
    """Return why a reply must not be sent any more."""
    if not reply.body:  # it was under way when its account was disconnected
        return Never(ReplyState.CANCELLED, "what it said was erased", "erased")
    if leave.opted_out_at is not None and not _confirms(reply, leave.opted_out_at):
        return Never(ReplyState.CANCELLED, "the customer wants no more messages", "opt-out")
    if reply.kind is not ReplyKind.OPERATOR and leave.is_with_person:
        return Never(ReplyState.CANCELLED, "a person has answered meanwhile", "person")
    if now >= reply.expires_at or not is_open(thread, now):
        return Never(ReplyState.EXPIRED, "the customer's last message is too old to be answered", "window")
    if thread.window_sent_count >= (QUOTA if reply.kind is ReplyKind.HANDOVER else QUOTA_OF_MOST):
        return Never(ReplyState.FAILED, "the window's messages are used up until the customer writes again", "quota")
    return None


def not_yet(reply: Reply, thread: Thread, account: Tokens | None, now: datetime) -> NotYet | None:
    """Return for what a reply has to wait."""
    if account is None:
        return NotYet(now + LOOK_AGAIN, "the account is not connected")
    if account.broken_reason is not None:
        return NotYet(now + LOOK_AGAIN, f"the account must be connected again: {account.broken_reason}")
    if account.paused_until is not None and account.paused_until > now:
        return NotYet(min(account.paused_until, now + LOOK_AGAIN), f"the account is paused: {account.paused_reason}")
    if thread.paused_until is not None and thread.paused_until > now:
        return NotYet(min(thread.paused_until, now + LOOK_AGAIN), f"the conversation is paused: {thread.paused_reason}")
    return NotYet(reply.not_before, reply.reason or "") if reply.not_before > now else None


def _confirms(reply: Reply, opted_out_at: datetime) -> bool:
    """Tell whether a reply is the one that says that no more will come."""
    return reply.kind is ReplyKind.NOTICE and reply.created_at >= opted_out_at
