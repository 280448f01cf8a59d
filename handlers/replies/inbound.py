"""Takes in what TikTok notifies us of: each notification once; a customer's message is said to be answered."""

from collections.abc import Collection

import structlog

from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.router import Router
from handlers.replies.echoes import take_echo
from handlers.replies.hearing import take_message
from handlers.replies.reception import Notice, Reception
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.messages import TakeWebhook
from schemas.replies.records import WebhookState
from schemas.replies.tiktok import Inbound, Kind, read

log = structlog.get_logger()
router = Router()

#: Why notifications that are true are not acted on.
_IDLE = {
    Kind.OWN: "an account of ours wrote it",
    Kind.READ: "a receipt needs no answer",
    Kind.STRIPPED: "it comes from where TikTok lets nobody answer",
    Kind.OTHER: "it is no message",
}
#: What names an account that must be one of ours.
_OF_AN_ACCOUNT = (Kind.MESSAGE, Kind.OWN, Kind.ECHO, Kind.READ)


@router.consume(topology.REPLIES_WEBHOOKS_TAKE)
async def take_webhook(delivery: Delivery[TakeWebhook], uow: Uow, clock: Clock, reception: Reception) -> None:
    """Store a notification of TikTok's, and wake whoever answers where it is a customer's message.

    Safe to repeat: a notification is stored once, under what makes two of them the same, in the transaction that holds
    all of its effects.
    """
    message = delivery.message
    notice = Notice(heard=read(message.raw), said=message, now=whole_milliseconds(clock()))
    async with uow() as tx:
        outcome = await _take(tx, notice, reception)
    metrics.replies_inbound.labels(outcome).inc()
    if outcome == "duplicate":
        metrics.duplicates.labels(topology.REPLIES_WEBHOOKS_TAKE.name).inc()
    log.info(
        "webhook_taken",
        outcome=outcome,
        webhook=notice.heard.event[:64],
        conversation_id=notice.heard.conversation_id,
        message_id_there=notice.heard.message_id,
        log_id=message.log_id,
    )


async def _take(tx: Transaction, notice: Notice, reception: Reception) -> str:
    heard = notice.heard
    if heard.client_key and reception.client_key and heard.client_key != reception.client_key:
        return await notice.rejected(tx, "it is for another app")
    if heard.kind in _OF_AN_ACCOUNT:
        known = await tx.tokens.known([heard.business_id, heard.user_id])
        business_id = await _account(tx, heard, reception, known)
        if business_id is None:
            return await notice.rejected(tx, "it is for an account that is none of ours")
        # Two accounts of ours would answer each other for ever.
        is_own = heard.user_id in known or heard.user_id in reception.business_ids
        notice = notice.of(business_id, Kind.OWN if is_own and heard.kind is Kind.MESSAGE else heard.kind)
    match notice.heard.kind:
        case Kind.MESSAGE:
            return await take_message(tx, notice, reception)
        case Kind.ECHO:
            return await take_echo(tx, notice, reception)
        case Kind.REMOVED:
            return await _take_removal(tx, notice)
        case _:
            return await _unanswered(tx, notice)


async def _unanswered(tx: Transaction, notice: Notice) -> str:
    if notice.heard.kind is Kind.UNREADABLE:
        return await notice.rejected(tx, notice.heard.problem)
    return await notice.ignored(tx, _IDLE[notice.heard.kind])


async def _account(tx: Transaction, heard: Inbound, reception: Reception, known: Collection[str]) -> str | None:
    """Return the account of ours that a notification is for, or None; the older shape may leave it to us."""
    if not heard.business_id and heard.is_legacy:
        ours = list(reception.business_ids) or [each.business_id for each in await tx.tokens.listed()]
        return ours[0] if len(ours) == 1 else None
    return heard.business_id if heard.business_id in (reception.business_ids or known) else None


async def _take_removal(tx: Transaction, notice: Notice) -> str:
    """Forget an account whose owner has taken the app's leave to speak for it: tokens, what waits, what was said."""
    business_id = notice.heard.business_id
    if await notice.store(tx, WebhookState.DONE) is None:
        return "duplicate"
    if not business_id:
        return "removed"
    reason = "the account was disconnected"
    had_tokens = await tx.tokens.forget(business_id)
    dropped = await tx.webhooks.drop(WebhookState.IGNORED, reason, business_id=business_id)
    cancelled = await tx.replies.erase(business_id, notice.now, reason)
    await tx.webhooks.erase(business_id)
    await tx.chat.erase(business_id)
    log.warning("account_removed", business=business_id, had_tokens=had_tokens, unanswered=dropped, unsent=cancelled)
    return "removed"
