"""What the answer to a call means for the reply, its conversation and its account."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from adapters.replies.port import Kind, Outcome
from brokers import metrics
from handlers.replies.doubts import ECHO
from handlers.replies.permits import LOOK_AGAIN, PERSON, is_with_person
from handlers.replies.renewal import fingerprint
from persistence.uow import Transaction
from schemas.replies.records import Reply, ReplyKind, ReplyState, Thread, Tokens

log = structlog.get_logger()

#: TikTok's rules of messaging forbid a message: https://business-api.tiktok.com/portal/docs?id=1737172488964097
BLOCKED: Final = "40064"
#: A conversation that TikTok blocks is left alone for that long, or until an operator looks at it.
BLOCKED_PAUSE: Final = timedelta(hours=1)
#: Blocked twice within that, it is not the conversation but the account.
BLOCKED_TWICE: Final = timedelta(minutes=10)
LONGEST_BACK_OFF: Final = timedelta(seconds=60)
_STEPS: Final = (1, 2, 4, 8, 16, 30)  # the last one is the half of the longest wait
_TOKEN_CODE: Final = "40105"  # noqa: S105 -- a code of TikTok's
#: The number of these replies belongs to another: an echo with the same words was taken for that one's.
_TWIN: Final = "TikTok's number of it was noted with an earlier reply of the same words"


def back_off(attempts: int) -> timedelta:
    """Return how long to wait after so many calls: between one and two steps of 1, 2, 4, 8, 16 s, at most a minute.

    Jitter begins at the step and not at nothing, so that gaps grow while TikTok says that it is asked too often.
    """
    step = _STEPS[min(max(attempts, 1), len(_STEPS)) - 1]
    return timedelta(seconds=step * (1 + random.random()))


def refused_token(reply: Reply, account: Tokens) -> bool:
    """Tell whether TikTok refused a reply for the very token that the account still has."""
    return reply.error_code == _refusal(account)


async def record_sent(tx: Transaction, reply: Reply, outcome: Outcome, token: str, now: datetime) -> bool:
    """Write down that a call brought its message, true; a Conflict where an echo told something else before.

    What settles a reply is guarded by the call's token, so that its conversation need not be locked for that.
    """
    ended = _sent(reply, outcome, now)
    if not await tx.replies.finish(ended, token=token):
        log.info("reply_settled_before", reply=reply.id, outcome=outcome.kind)
        return True
    _tell(reply, outcome)
    if not await tx.chat.numbered(ended):
        await tx.chat.brought(ended)
    return True


async def record(tx: Transaction, reply: Reply, account: Tokens, outcome: Outcome, token: str, now: datetime) -> bool:
    """Write what became of a call; true where the next may follow at once. An echo may have told before."""
    thread = await tx.threads.get(reply.conversation_id, for_update=True)
    assert thread
    ended = _left_to(thread, _ended(reply, account, outcome, now), now)
    if ended.provider_message_id and await tx.replies.is_numbered(reply.conversation_id, ended.provider_message_id):
        ended = replace(ended, provider_message_id=None, reason=_TWIN)
    if not await tx.replies.finish(ended, token=token):
        log.info("reply_settled_before", reply=reply.id, outcome=outcome.kind)
        return True
    _tell(reply, outcome)
    if ended.state is ReplyState.SENT:
        await tx.chat.brought(ended)
        return True
    if ended.state is ReplyState.UNCERTAIN:
        assert reply.id is not None
        await tx.replies.ask_at([reply.id], now + ECHO)
        return True
    if thread.window_sent_count:  # it was counted before the call, and reached nobody
        thread = replace(thread, window_sent_count=thread.window_sent_count - 1, updated_at=now)
        await tx.threads.save(thread)
    if ended.state is ReplyState.CANCELLED:
        return True
    if ended.state is ReplyState.PENDING:
        return await _again(tx, reply, ended, account, outcome, now)
    await _failed(tx, ended, thread, outcome, now)
    return True


def _ended(reply: Reply, account: Tokens, outcome: Outcome, now: datetime) -> Reply:
    if outcome.kind is Kind.SENT:
        return _sent(reply, outcome, now)
    told = replace(reply, error_code=outcome.code, reason=outcome.reason, updated_at=now)
    if outcome.kind is Kind.UNCERTAIN:
        return replace(told, state=ReplyState.UNCERTAIN)
    if outcome.kind is Kind.TOKEN:
        return replace(told, state=ReplyState.PENDING, not_before=now, error_code=_refusal(account))
    if outcome.kind is Kind.NOT_SENT:
        wait = max(back_off(reply.attempts), min(outcome.after or timedelta(), LONGEST_BACK_OFF))
        return replace(told, state=ReplyState.PENDING, not_before=now + wait)
    return replace(told, state=ReplyState.FAILED)


def _left_to(thread: Thread, ended: Reply, now: datetime) -> Reply:
    """Return a reply that is not to be tried again where a person has taken the conversation over meanwhile."""
    is_the_bots = ended.state is ReplyState.PENDING and ended.kind in (ReplyKind.ANSWER, ReplyKind.NOTICE)
    if is_the_bots and is_with_person(thread, now):
        return replace(ended, state=ReplyState.CANCELLED, reason=PERSON)
    return ended


def _sent(reply: Reply, outcome: Outcome, now: datetime) -> Reply:
    known = {"provider_message_id": outcome.message_id, "error_code": None, "reason": None}
    return replace(reply, state=ReplyState.SENT, sent_at=now, updated_at=now, **known)  # type: ignore[arg-type] # str or None


def _tell(reply: Reply, outcome: Outcome) -> None:
    metrics.replies_sends.labels(outcome.kind, outcome.code or "none").inc()
    log.info("reply_called", reply=reply.id, outcome=outcome.kind, code=outcome.code, attempts=reply.attempts)


async def _again(
    tx: Transaction, before: Reply, ended: Reply, account: Tokens, outcome: Outcome, now: datetime
) -> bool:
    """Let a reply that was not sent wait; true where a new token is to be tried at once."""
    if outcome.kind is not Kind.TOKEN:
        await tx.threads.wake([ended.conversation_id], None, to_send=True)
        await tx.replies.put_off(ended.conversation_id, ended.not_before, now, outcome.reason or "")
        return False
    if before.error_code is None or not before.error_code.startswith(_TOKEN_CODE):
        return True
    reason = f"a new token was refused too: {outcome.reason}"
    await tx.tokens.broken(account, reason, now)
    await tx.threads.wake([ended.conversation_id], None, to_send=True)
    await tx.replies.put_off(ended.conversation_id, now + LOOK_AGAIN, now, reason)
    metrics.replies_accounts_stopped.labels("broken").inc()
    log.error("account_broken", business=account.business_id, reason=reason)
    return False


async def _failed(tx: Transaction, reply: Reply, thread: Thread, outcome: Outcome, now: datetime) -> None:
    log.error("reply_failed", reply=reply.id, conversation=reply.conversation_id, code=outcome.code)
    if outcome.kind is not Kind.BLOCKED:
        return
    until, reason = now + BLOCKED_PAUSE, f"TikTok's messaging rules ({BLOCKED})"
    await tx.threads.save(replace(thread, paused_until=until, paused_reason=reason, updated_at=now))
    if await tx.replies.failed_since(reply.business_id, BLOCKED, now - BLOCKED_TWICE) > 1:
        await tx.tokens.pause(reply.business_id, until, f"{reason}, more than once", now)
        metrics.replies_accounts_stopped.labels("paused").inc()
        log.error("account_paused", business=reply.business_id, code=BLOCKED, until=until.isoformat())


def _refusal(account: Tokens) -> str:
    return f"{_TOKEN_CODE} of {fingerprint(account)}"
