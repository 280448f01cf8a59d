"""Sends what is due in a conversation: recorded before the call, called outside any transaction, settled after it."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from adapters.replies.port import Kind, Outcome
from adapters.vault import CannotOpenError
from brokers import metrics, topology
from brokers.delivery import Delivery
from brokers.outgoing import new_message_id
from brokers.router import Router
from brokers.verdict import Conflict, Unavailable
from handlers.replies import permits, renewal, results
from handlers.replies.doubts import left_behind, settle_doubts
from handlers.replies.voice import Voice
from persistence.replies.standing import Leave, Standing
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.messages import SendReplies
from schemas.replies.records import Reply, ReplyState, Thread, Tokens

log = structlog.get_logger()
router = Router()

#: Longer than the longest call (30 s) with its record, and than an echo takes (60 s).
LEASE: Final = timedelta(seconds=90)
#: Then another wake-up goes to the end of the queue, so that no conversation keeps a worker to itself.
ROUNDS: Final = 20
#: Whoever exchanges the account's tokens needs about that long.
RENEWAL_WAIT: Final = timedelta(seconds=1)
#: A key that was lost is given back by an operator.
KEY_PAUSE: Final = timedelta(minutes=1)
#: Losing a race for a row must not make the outcome of a finished call unknown.
RECORD_TRIES: Final = 5
#: Nor must a database that is away for a moment; less than a process that stops may take.
RECORD_PATIENCE: Final = timedelta(seconds=20)
RECORD_PAUSE: Final = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class _Ready:
    """A reply that may be sent now, with the account's tokens; `is_last` where nothing waits behind it."""

    reply: Reply
    thread: Thread
    account: Tokens
    access_token: str = field(repr=False)
    is_last: bool


@dataclass(frozen=True, slots=True)
class _Stale:
    """The account's tokens are to be exchanged first."""

    account: Tokens


@router.consume(topology.REPLIES_THREADS_SEND)
async def send_replies(delivery: Delivery[SendReplies], uow: Uow, clock: Clock, voice: Voice) -> None:
    """Send the replies that are due in one conversation, in their order, until none is or they have to wait.

    Safe to repeat: a reply is begun in SQL by one sender, before the call. A crash in between leaves it uncertain, and
    it is settled by TikTok's echo, by asking TikTok, or by an operator, and never sent again by itself.
    """
    conversation = delivery.message.conversation_id
    standing = await _standing(conversation, uow)
    if standing is None:
        return
    if any(each.state is not ReplyState.PENDING for each in standing.replies):
        await settle_doubts(conversation, uow, clock, voice)
        standing = await _standing(conversation, uow)
    for _ in range(ROUNDS):
        if standing is None or not await _round(conversation, standing, uow, clock, voice):
            return
        standing = await _standing(conversation, uow)
    async with uow() as tx:
        await tx.send(SendReplies(conversation_id=conversation))


async def _standing(conversation: str, uow: Uow) -> Standing | None:
    async with uow() as tx:
        return await tx.replies.standing(conversation)


async def _round(conversation: str, standing: Standing, uow: Uow, clock: Clock, voice: Voice) -> bool:
    """Send one reply; false where nothing is due, or what is has to wait."""
    if not _seems_ready(standing, whole_milliseconds(clock())):
        async with uow() as tx:
            found = await _look(tx, conversation, whole_milliseconds(clock()), voice)
        if isinstance(found, _Stale):
            await renewal.renew(found.account.business_id, renewal.fingerprint(found.account), uow, clock, voice)
            return True
        if found is None:
            return False
    # A turn costs the account a place in its minute: it is taken once it seems that there is something to say.
    if not await _has_turn(standing.replies[0], uow, clock, voice):
        return False
    token, now = new_message_id(), whole_milliseconds(clock())
    async with uow() as tx:
        begun = await _begin(tx, conversation, now, voice, token)
    if begun is None:
        return False
    reply = begun.reply
    outcome = await voice.tiktok.send(begun.access_token, reply.business_id, conversation, reply.body)
    goes_on = await _recorded(begun, outcome, token, uow, clock)
    # What comes meanwhile brings its own wake-up, which waits for this one.
    return goes_on and not (begun.is_last and outcome.message_id is not None)


async def _recorded(begun: _Ready, outcome: Outcome, token: str, uow: Uow, clock: Clock) -> bool:
    """Write down what became of a call, however often a race is lost, and for a while though SQL is away."""
    races, began = 0, asyncio.get_running_loop().time()
    while True:
        try:
            async with uow() as tx:
                now = whole_milliseconds(clock())
                if not races and outcome.kind is Kind.SENT:
                    return await results.record_sent(tx, begun.reply, outcome, token, now)
                return await results.record(tx, begun.reply, begun.account, outcome, token, now)
        except Conflict:
            races += 1
            if races == RECORD_TRIES:
                raise
        except Unavailable:
            if asyncio.get_running_loop().time() - began > RECORD_PATIENCE.total_seconds():
                raise
            await asyncio.sleep(RECORD_PAUSE.total_seconds())


def _seems_ready(standing: Standing, now: datetime) -> bool:
    """Tell whether the next reply may be sent as far as it seems before anything is locked."""
    account, next_ = standing.account, standing.replies[0]
    if account is None or next_.state is not ReplyState.PENDING or renewal.is_due(account, now):
        return False
    if results.refused_token(next_, account):
        return False
    return permits.not_yet(next_, standing.thread, account, now) is None


async def _has_turn(reply: Reply, uow: Uow, clock: Clock, voice: Voice) -> bool:
    wait = await voice.pace.turn(reply.business_id)
    if not wait:
        return True
    now = whole_milliseconds(clock())
    async with uow() as tx:
        await _put_off(tx, reply.conversation_id, now + wait, now, "the account may not speak faster")
    return False


async def _begin(tx: Transaction, conversation: str, now: datetime, voice: Voice, token: str) -> _Ready | None:
    """Look again, since the turn took its time, and record that the call is about to be made."""
    found = await _look(tx, conversation, now, voice)
    if not isinstance(found, _Ready):
        return None
    reply, thread = found.reply, found.thread
    assert reply.id is not None
    if not await tx.replies.begin(reply.id, now=now, token=token, lease=LEASE):
        return None
    # Counted before the call: a message of which nobody knows whether it arrived may have.
    await tx.threads.save(replace(thread, window_sent_count=thread.window_sent_count + 1, updated_at=now))
    return replace(found, reply=replace(reply, state=ReplyState.SENDING, attempts=reply.attempts + 1, sending_at=now))


async def _look(tx: Transaction, conversation: str, now: datetime, voice: Voice) -> _Ready | _Stale | None:
    """Find the reply that is next; end those that must not be sent any more, put off those that have to wait."""
    thread = await tx.threads.get(conversation, for_update=True)
    if thread is None:
        return None
    open_ = await tx.replies.open_of(conversation)
    begun = {each.id for each in open_ if each.state is ReplyState.SENDING}
    if begun and begun - set(await left_behind(tx, conversation, now)):
        return None  # another's call is under way, and what comes after it waits
    waiting = [each for each in open_ if each.state is ReplyState.PENDING]
    for each in waiting:
        leave = await tx.replies.leave(each)
        if not await _ended(tx, each, thread, leave, now):
            return await _next(tx, each, thread, leave.account, now, voice, is_last=each is waiting[-1])
    return None


async def _ended(tx: Transaction, reply: Reply, thread: Thread, leave: Leave, now: datetime) -> bool:
    assert reply.id is not None
    end = permits.never(reply, thread, leave, now)
    if end is None:
        return False
    await tx.replies.end(reply.id, end.state, now, end.reason, end.code)
    tell = log.info if end.state is ReplyState.CANCELLED else log.error
    metrics.replies_unsent.labels(end.code).inc()
    tell("reply_not_sent", reply=reply.id, conversation=reply.conversation_id, why=end.code)
    return True


async def _next(
    tx: Transaction,
    reply: Reply,
    thread: Thread,
    account: Tokens | None,
    now: datetime,
    voice: Voice,
    *,
    is_last: bool,
) -> _Ready | _Stale | None:
    wait = permits.not_yet(reply, thread, account, now)
    if wait is not None or account is None:
        if wait is not None:
            await _put_off(tx, reply.conversation_id, wait.until, now, wait.reason)
        return None
    must = account.access_expires_at <= now or results.refused_token(reply, account)
    if must or renewal.is_due(account, now):
        if not renewal.is_under_way(account, now):
            return _Stale(account)
        if must:
            await _put_off(tx, reply.conversation_id, now + RENEWAL_WAIT, now, "the account's token is exchanged")
            return None
    try:
        return _Ready(reply, thread, account, str(voice.vault.open(account.access_token)), is_last)
    except CannotOpenError as error:
        log.error("account_not_opened", business=account.business_id, reason=str(error))  # noqa: TRY400 -- no stack tells more
        await _put_off(tx, reply.conversation_id, now + KEY_PAUSE, now, str(error))
        return None


async def _put_off(tx: Transaction, conversation: str, until: datetime, now: datetime, reason: str) -> None:
    """Let a conversation wait, and let it be woken in time."""
    await tx.replies.put_off(conversation, until, now, reason)
    await tx.threads.wake([conversation], None, to_send=True)
