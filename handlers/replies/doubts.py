"""Asks TikTok about replies of which nobody knows whether they arrived; none of them is sent again by itself."""

from datetime import datetime, timedelta
from typing import Final

import structlog

from adapters.replies.port import Outcome
from adapters.vault import CannotOpenError
from brokers import metrics
from handlers.replies.voice import Voice
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.replies.records import Reply, ReplyState

log = structlog.get_logger()

#: So long an echo may take; only then TikTok is asked.
ECHO: Final = timedelta(seconds=60)
#: Where the one who asks has died, another asks after that.
_LEASE: Final = timedelta(seconds=90)


async def left_behind(tx: Transaction, conversation_id: str, now: datetime) -> list[int]:
    """Make uncertain what a sender that died had begun: its lease outlasted every echo, so TikTok is asked now."""
    numbers = await tx.replies.abandoned(conversation_id, now)
    if numbers:
        await tx.replies.ask_at(numbers, now)
        log.warning("replies_interrupted", conversation=conversation_id, replies=numbers)
    return numbers


async def settle_doubts(conversation_id: str, uow: Uow, clock: Clock, voice: Voice) -> bool:
    """Ask TikTok what arrived of a conversation's uncertain replies, if it is time to; false if nothing waits there."""
    now = clock()
    async with uow() as tx:
        if await tx.threads.get(conversation_id, for_update=True) is None:
            return False
        states = await tx.replies.open_states(conversation_id)
        if states <= {ReplyState.PENDING}:
            return bool(states)
        await left_behind(tx, conversation_id, now)
        doubtful = await tx.replies.to_ask(conversation_id, now, now + _LEASE)
        account = await tx.tokens.get(doubtful[0].business_id) if doubtful else None
    if not doubtful:
        return True
    told: object = None
    if account is not None and account.broken_reason is None:
        try:
            token = str(voice.vault.open(account.access_token))
        except CannotOpenError as error:
            log.error("account_not_opened", business=account.business_id, reason=str(error))  # noqa: TRY400 -- no stack tells more
        else:
            told = await voice.tiktok.recent(token, account.business_id, conversation_id)
    async with uow() as tx:
        await tx.threads.get(conversation_id, for_update=True)
        if isinstance(told, list):
            for said in told:
                settled = await tx.replies.echoed(conversation_id, said.message_id, said.text, said.at, clock())
                if settled is not None and settled.sent_at is not None:
                    await tx.chat.brought(settled)
        await _leave(tx, doubtful, clock(), told)
    return True


async def _leave(tx: Transaction, doubtful: list[Reply], now: datetime, told: object) -> None:
    """Leave to an operator what TikTok does not know, and ask again where it did not say."""
    for reply in doubtful:
        assert reply.id is not None
        known = await tx.replies.get(reply.id)
        if known is None or known.state is not ReplyState.UNCERTAIN:
            continue
        if not isinstance(told, list) and now < reply.expires_at:
            await tx.replies.ask_at([reply.id], now + ECHO)
            reason = told.reason if isinstance(told, Outcome) else "the account is not connected"
            log.warning("reply_still_uncertain", reply=reply.id, reason=reason)
            continue
        await tx.replies.ask_at([reply.id], None)
        metrics.replies_uncertain.inc()
        log.error("reply_uncertain", reply=reply.id, conversation=reply.conversation_id)
