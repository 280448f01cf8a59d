"""Takes in what TikTok notifies us of: each notification once; a customer's message is said to be answered."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial

import structlog

from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.router import Router
from brokers.verdict import Conflict, Unavailable, Verdict
from handlers.replies.composing import Answers
from handlers.replies.echoes import take_by_hand, take_echo
from handlers.replies.hearing import take_message, wants
from handlers.replies.ledger import Ledger
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
async def take_webhook(
    deliveries: Sequence[Delivery[TakeWebhook]], uow: Uow, clock: Clock, reception: Reception, answers: Answers | None
) -> None:
    """Store notifications of TikTok's; answer customers' messages where that can be done at once, or have it done.

    Without `answers` all of them are answered later.

    Safe to repeat: a notification is stored once, under what makes two of them the same, in the transaction that holds
    all of its effects.
    """
    now = whole_milliseconds(clock())
    notices = [
        Notice(
            heard=read(each.message.raw),
            said=each.message,
            now=now,
            message_id=each.message_id,
            correlation_id=each.correlation_id,
        )
        for each in deliveries
    ]
    for run in _runs(notices):
        outcomes = await _taken_in(run, uow, reception, answers)
        for notice, outcome in zip(run, outcomes, strict=True):
            _tell(notice, outcome)


def _tell(notice: Notice, outcome: str) -> None:
    metrics.replies_inbound.labels(outcome).inc()
    if outcome == "duplicate":
        metrics.duplicates.labels(topology.REPLIES_WEBHOOKS_TAKE.name).inc()
    log.info(
        "webhook_taken",
        outcome=outcome,
        webhook=notice.heard.event[:64],
        conversation_id=notice.heard.conversation_id,
        message_id_there=notice.heard.message_id,
        message_id=notice.message_id,
        correlation_id=notice.correlation_id,
        log_id=notice.said.log_id,
    )


def _runs(notices: Sequence[Notice]) -> Iterator[list[Notice]]:
    """Yield what one transaction takes in, in order; what acts on all that was stored before it stands alone."""
    run: list[Notice] = []
    for notice in notices:
        if not _stands_alone(notice):
            run.append(notice)
            continue
        if run:
            yield run
            run = []
        yield [notice]
    if run:
        yield run


def _stands_alone(notice: Notice) -> bool:
    heard = notice.heard
    return notice.is_by_hand or heard.kind is Kind.REMOVED or (heard.kind is Kind.MESSAGE and wants(heard) is False)


async def _taken_in(notices: Sequence[Notice], uow: Uow, reception: Reception, answers: Answers | None) -> list[str]:
    """Take notifications in; what cannot be answered with that for whatever reason is taken in all the same."""
    try:
        async with uow() as tx:
            return await _take(tx, notices, reception, answers)
    except (Conflict, Unavailable):
        raise
    except Exception as error:
        if answers is None:
            raise
        ids = [each.message_id for each in notices]
        log.warning("answer_at_once_failed", message_ids=ids, exc_info=not isinstance(error, Verdict))
    async with uow() as tx:
        return await _take(tx, notices, reception, None)


async def _take(tx: Transaction, notices: Sequence[Notice], reception: Reception, answers: Answers | None) -> list[str]:
    ledger = Ledger(tx, answers)
    notices = await _placed(tx, notices, reception)
    await ledger.read(notices)
    outcomes = [await _taken(ledger, notice, reception) for notice in notices]
    await ledger.write()
    return outcomes


async def _taken(ledger: Ledger, notice: Notice, reception: Reception) -> str:
    """Take in one notification; return what became of it, as the metric calls it."""
    if ledger.is_repeat(notice):
        return "duplicate"
    if (idle := _idle(ledger, notice)) is not None:
        state, reason = idle
        ledger.note(notice, state, reason)
        return state.value.lower()
    if notice.heard.kind is Kind.REMOVED:
        ledger.note(notice, WebhookState.DONE, after=partial(_forget, ledger, notice))
        return "removed"
    if notice.is_by_hand:
        return take_by_hand(ledger, notice, reception)
    if notice.heard.kind is Kind.ECHO:
        return await take_echo(ledger, notice)
    return await take_message(ledger, notice, reception)


def _idle(ledger: Ledger, notice: Notice) -> tuple[WebhookState, str] | None:
    """Return why a notification is not acted on: it cannot be, or it need not; None where it is."""
    if notice.reason is not None:
        return WebhookState.REJECTED, notice.reason
    if notice.heard.kind in _IDLE:
        return WebhookState.IGNORED, _IDLE[notice.heard.kind]
    if notice.heard.kind is Kind.REMOVED or ledger.is_ours(notice):
        return None
    if notice.opens:
        return WebhookState.REJECTED, "its conversation is another account's"
    return WebhookState.IGNORED, "it is no reply of ours"


async def _placed(tx: Transaction, notices: Sequence[Notice], reception: Reception) -> list[Notice]:
    """Return notifications with the account of ours that each is for, or with why it cannot be acted on."""
    named = {name for each in notices if each.heard.kind in _OF_AN_ACCOUNT for name in _names(each.heard)}
    known = await tx.tokens.known(named) if named else ()
    return [await _of_its_account(tx, each, reception, known) for each in notices]


async def _of_its_account(tx: Transaction, notice: Notice, reception: Reception, known: Collection[str]) -> Notice:
    heard = notice.heard
    if heard.client_key and reception.client_key and heard.client_key != reception.client_key:
        return notice.refused("it is for another app")
    if heard.kind is Kind.UNREADABLE:
        return notice.refused(heard.problem)
    if heard.kind is Kind.REMOVED and await _is_connected_since(tx, notice):
        return notice.refused("the account was connected again since")
    if heard.kind not in _OF_AN_ACCOUNT:
        return notice
    business_id = await _account(tx, heard, reception, known)
    if business_id is None:
        return notice.refused("it is for an account that is none of ours")
    # Two accounts of ours would answer each other for ever.
    is_own = heard.user_id in known or heard.user_id in reception.business_ids
    return notice.of(business_id, Kind.OWN if is_own and heard.kind is Kind.MESSAGE else heard.kind)


def _names(heard: Inbound) -> tuple[str, str]:
    return heard.business_id, heard.user_id


async def _account(tx: Transaction, heard: Inbound, reception: Reception, known: Collection[str]) -> str | None:
    """Return the account of ours that a notification is for, or None; the older shape may leave it to us."""
    if not heard.business_id and heard.is_legacy:
        ours = list(reception.business_ids) or [each.business_id for each in await tx.tokens.listed()]
        return ours[0] if len(ours) == 1 else None
    return heard.business_id if heard.business_id in (reception.business_ids or known) else None


async def _is_connected_since(tx: Transaction, notice: Notice) -> bool:
    """Tell whether the owner gave the leave again after it was taken: TikTok repeats what it tells for three days."""
    account = await tx.tokens.get(notice.heard.business_id)
    return account is not None and account.created_at > notice.at


async def _forget(ledger: Ledger, notice: Notice, number: int) -> None:  # noqa: ARG001 -- all that follows is told
    """Forget an account whose owner has taken the app's leave to speak for it: tokens, what waits, what was said."""
    tx, business_id = ledger.tx, notice.heard.business_id
    if not business_id:
        return
    reason = "the account was disconnected"
    had_tokens = await tx.tokens.forget(business_id)
    dropped = await tx.webhooks.drop(WebhookState.IGNORED, reason, business_id=business_id)
    cancelled = await tx.replies.erase(business_id, notice.now, reason)
    await tx.webhooks.erase(business_id)
    await tx.chat.erase(business_id)
    log.warning("account_removed", business=business_id, had_tokens=had_tokens, unanswered=dropped, unsent=cancelled)
