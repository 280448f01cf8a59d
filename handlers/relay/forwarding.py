"""Sends what is due to a destination: claimed under a lease, called outside any transaction, recorded after it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from adapters.budgets import Budgets
from adapters.relay.accounts import account_of
from adapters.relay.mapping import built_in
from adapters.relay.port import Account, Adapter, every
from adapters.vault import CannotOpenError, Vault
from brokers import topology
from brokers.delivery import Delivery as Carried
from brokers.outgoing import new_message_id
from brokers.router import Router
from brokers.verdict import Conflict
from handlers.relay import outcomes
from handlers.relay.sending import Sending, rendered, send
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.relay.messages import SendDeliveries
from schemas.relay.records import Attempt, AttemptStatus, ClaimedDelivery, DestinationView

log = structlog.get_logger()
router = Router()

#: Longer than the longest call (30 s) and its record; a sender that died is noticed after it.
LEASE: Final = timedelta(seconds=90)
#: Then another wake-up goes to the end of the queue, so that no destination keeps a worker to itself.
ROUNDS: Final = 20
#: One is waiting for the platform while the other is busy with SQL.
RUNNERS: Final = 2
#: A key that was lost is given back by an operator; what other destinations have to send goes on meanwhile.
KEY_PAUSE: Final = timedelta(minutes=1)
#: Losing a race for a row must not make the outcome of a finished call unknown.
RECORD_TRIES: Final = 5


@dataclass
class Outside:
    """What sending needs besides the database: the platforms, the keys, the budgets, and who is at work here."""

    adapters: Mapping[str, Adapter]
    vault: Vault
    budgets: Budgets
    bases: Mapping[str, str] = field(default_factory=dict)
    _running: Counter[int] = field(default_factory=Counter)
    _asked_again: set[int] = field(default_factory=set)

    @asynccontextmanager
    async def runner(self, destination_id: int) -> AsyncIterator[bool]:
        """Take one of a destination's places in this process; False where all are taken."""
        is_free = self._running[destination_id] < RUNNERS
        if not is_free:
            self._asked_again.add(destination_id)
        self._running[destination_id] += is_free
        try:
            yield is_free
        finally:
            self._running[destination_id] -= is_free

    def was_asked_again(self, destination_id: int) -> bool:
        """Tell, once, whether a wake-up came while all places were taken: what it was about may not be claimed yet."""
        is_asked = destination_id in self._asked_again
        self._asked_again.discard(destination_id)
        return is_asked


@dataclass(frozen=True, slots=True)
class _Round:
    """What one transaction has claimed, and what to do with it."""

    view: DestinationView
    adapter: Adapter
    account: Account
    mapping: Mapping[str, Any]
    claimed: Sequence[ClaimedDelivery]
    token: str
    is_last: bool
    uncertain: Collection[int] = ()


@router.consume(topology.RELAY_DELIVERIES_SEND)
async def send_deliveries(delivery: Carried[SendDeliveries], uow: Uow, clock: Clock, outside: Outside) -> None:
    """Send what is due to one destination until nothing is, or its turn is over.

    Safe to repeat: what is due is claimed in SQL, each delivery by one sender. A crash between a call and its record
    lets the lease run out, and the delivery is sent again under the same downstream id, where that is recognised.
    """
    number = delivery.message.destination_id
    late: set[asyncio.Task[bool]] = set()
    try:
        async with outside.runner(number) as is_ours:
            if not is_ours:
                return  # those who are at work take what is due
            await _rounds(number, uow, clock, outside, late)
        # Others may take its place: these wait for a platform that is slow to answer, and for nothing else.
        await asyncio.gather(*late)
    finally:
        for each in late:
            each.cancel()


async def _rounds(number: int, uow: Uow, clock: Clock, outside: Outside, late: set[asyncio.Task[bool]]) -> None:
    """Go on until nothing is due, or the turn is over: then ask for another at once."""
    for _ in range(ROUNDS):
        if not await _round(number, uow, clock, outside, late):
            break
    else:
        async with uow() as tx:
            await tx.send(SendDeliveries(destination_id=number))
        return
    async with uow() as tx:
        await tx.destinations.wake([number], None)


async def _round(number: int, uow: Uow, clock: Clock, outside: Outside, late: set[asyncio.Task[bool]]) -> bool:
    """Claim, send and record once; False where nothing is due or nothing may be sent.

    What is answered late is recorded when it is, by a task in `late`.
    """
    taken = await _claim(number, uow, clock, outside, late)
    if taken is None:
        return False
    sendings = rendered(taken.claimed, taken.adapter, taken.account, taken.mapping, clock())
    _leave(sendings, taken)
    slow = await send(sendings, taken.adapter, taken.account)
    for call, part in slow.items():
        task = asyncio.create_task(_finish(call, taken, part, uow, clock))
        late.add(task)
        task.add_done_callback(late.discard)
    waited_for = {id(each) for part in slow.values() for each in part}
    may_go_on = await _recorded(taken, [each for each in sendings if id(each) not in waited_for], uow, clock)
    return may_go_on and (not taken.is_last or outside.was_asked_again(number))


async def _finish(call: asyncio.Task[None], taken: _Round, part: Sequence[Sending], uow: Uow, clock: Clock) -> bool:
    """Wait for a call that is late, and record it."""
    try:
        await call
    finally:
        call.cancel()
    return await _recorded(taken, part, uow, clock)


async def _recorded(taken: _Round, sendings: Sequence[Sending], uow: Uow, clock: Clock) -> bool:
    for tries_left in reversed(range(RECORD_TRIES)):
        try:
            async with uow() as tx:
                return await _record(tx, taken, sendings, whole_milliseconds(clock()))
        except Conflict:
            if not tries_left:
                raise
    return False


async def _claim(number: int, uow: Uow, clock: Clock, outside: Outside, late: set[asyncio.Task[bool]]) -> _Round | None:
    """Look at every switch, then take what is due; the look and the claim are one transaction."""
    async with uow() as tx:
        view = await tx.destinations.get(number)
    if view is None or not _may_send(view, clock()):
        return None
    adapter = outside.adapters.get(view.destination.platform_code)
    if adapter is None:
        async with uow() as tx:
            reason = f"no adapter for {view.destination.platform_code}"
            await tx.destinations.pause(number, outcomes.UNTIL_RESUMED, reason, 0)
        return None
    limits = adapter.limits
    if len(late) >= limits.concurrency:
        await asyncio.wait(late, return_when=asyncio.FIRST_COMPLETED)
    wanted = 1 if limits.events_a_call > 1 else max(limits.concurrency - len(late), 1)
    grant = await outside.budgets.grant(str(number), wanted, calls=limits.calls, period=limits.period)
    now, most = whole_milliseconds(clock()), grant.calls * limits.events_a_call
    async with uow() as tx:
        if not grant.calls:
            await tx.destinations.pause(number, now + grant.wait, "rate budget spent", view.destination.failures)
            return None
        view = await tx.destinations.get(number)
        # Before anything is claimed: where no key opens the secrets, nothing has been begun.
        account = await _account(tx, view, outside, now) if view and _may_send(view, now) else None
        if view is None or account is None:
            return None
        token = new_message_id()
        claimed = await tx.event_deliveries.claim(number, now=now, limit=most, token=token, lease=LEASE)
        if not claimed:
            return None
        uncertain = () if limits.recognises is every else await _interrupted(tx, claimed)
        await tx.attempts.begin([_attempt(each, view, now) for each in claimed])
        own = await tx.configuration.mapping(view.destination.storefront_id, view.destination.platform_code)
    mapping = own or built_in(view.destination.platform_code)
    return _Round(view, adapter, account, mapping, claimed, token, len(claimed) < most, uncertain)


async def _account(tx: Transaction, view: DestinationView, outside: Outside, now: datetime) -> Account | None:
    """Return as whom to send; None for a destination whose secrets no key opens, which waits for the key."""
    try:
        return account_of(view, outside.vault, outside.bases.get(view.destination.platform_code))
    except CannotOpenError as error:
        number, failures = view.destination.id, view.destination.failures
        reason, platform = str(error), view.destination.platform_code
    await tx.destinations.pause(number, now + KEY_PAUSE, reason, failures)
    log.error("destination_paused", destination=number, platform=platform, reason=reason)
    return None


async def _interrupted(tx: Transaction, claimed: Sequence[ClaimedDelivery]) -> set[int]:
    """Return the deliveries whose attempt before this one began and has no end: its sender died in mid-call."""
    begun = await tx.attempts.open_of([each.delivery.id for each in claimed if each.delivery.id is not None])
    before = {each.delivery.id: each.delivery.attempts - 1 for each in claimed}
    return {id_ for id_, attempt in begun.items() if attempt.number == before[id_]}


def _leave(sendings: Sequence[Sending], taken: _Round) -> None:
    """Take what may have been taken already, and would count twice, out of what is sent: that is for an operator."""
    for each in sendings:
        is_safe = each.rendered is not None and taken.adapter.limits.recognises(each.rendered)
        if each.claimed.delivery.id in taken.uncertain and not is_safe:
            each.rendered, each.skipped, each.outcome = None, None, outcomes.UNCERTAIN


def _may_send(view: DestinationView, now: datetime) -> bool:
    paused = view.destination.paused_until
    return view.switched_off is None and (paused is None or paused <= now)


def _attempt(claimed: ClaimedDelivery, view: DestinationView, now: datetime) -> Attempt:
    assert claimed.delivery.id is not None
    return Attempt(
        event_id=claimed.delivery.event_id,
        delivery_id=claimed.delivery.id,
        credential_id=view.destination.credential_id,
        destination_type=view.destination.kind,
        number=claimed.delivery.attempts,
        status=AttemptStatus.SENDING,
        http_status_code=None,
        request=None,
        response_body=None,
        error_message=None,
        duration_ms=None,
        attempted_at=now,
    )


async def _record(tx: Transaction, taken: _Round, sendings: Sequence[Sending], now: datetime) -> bool:
    """Write what became of a round; True where another may follow at once."""
    mine = await tx.event_deliveries.settle([outcomes.settled(each, now) for each in sendings], token=taken.token)
    begun = await tx.attempts.open_of([each.id for each in mine if each.id is not None])
    by_delivery = {each.claimed.delivery.id: each for each in sendings}
    await tx.attempts.finish([outcomes.finished(begun[id_], by_delivery[id_]) for id_ in begun])
    await tx.events.conclude({each.event_id for each in mine}, now)
    if taken.view.credential is not None:
        await tx.configuration.stamp(taken.view.credential.id, *outcomes.use_of(sendings, now))
    return await _judge(tx, taken.view, sendings, now)


async def _judge(tx: Transaction, view: DestinationView, sendings: Sequence[Sending], now: datetime) -> bool:
    number = view.destination.id
    failures = view.destination.failures
    if outcomes.has_failed(sendings):
        failures = await tx.destinations.count_failure(number)
    elif failures and outcomes.has_succeeded(sendings):
        await tx.destinations.resume(number)
        failures = 0
    pause = outcomes.pause_of(sendings, failures, now)
    if pause is None:
        return True
    await tx.destinations.pause(number, pause.until, pause.reason, pause.failures)
    tell = log.error if pause.needs_operator else log.warning
    tell("destination_paused", destination=number, platform=view.destination.platform_code, reason=pause.reason[:200])
    return False
