"""The poller of outreach tasks: what is due begins, what has run out ends, and creators who wait are decided on."""

import asyncio
from datetime import datetime, timedelta

import structlog

from brokers.topology import CHATBOT_SAMPLE_BATCH
from persistence.uow import Transaction, Uow
from publishers.chat_outcomes import told
from publishers.clockwork import Pace, keep_passing
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.clock import Clock
from schemas.outreach.crawling import crawl_of
from schemas.outreach.messages import ChatOutcome, DecideContacts, handed_over
from schemas.outreach.records import UNSETTLED, Contact, ContactState, StopReason, TaskStatus
from schemas.outreach.statuses import GRACE, WINDOW, concluded, started, stopped
from schemas.readers import whole_milliseconds

log = structlog.get_logger()

#: A task begins within two seconds of its time; a look costs three queries of an index each.
PACE = Pace(shortest=timedelta(milliseconds=250), longest=timedelta(seconds=2))
#: Tasks that begin or end in one pass; more follow in the next, at once.
AT_ONCE = 50
#: Creators who wait are asked about again after this long, if nothing else made room for them meanwhile.
ASK_AGAIN = timedelta(seconds=15)
#: Creators of whose messages nothing was heard that are looked up in one pass.
CREATORS_AT_ONCE = 500

_RETRY = CHATBOT_SAMPLE_BATCH.retry
#: How often it is looked for contacts whose message nobody will try again, and for those of tasks that are over.
LOOK_EVERY = timedelta(minutes=1)
#: A message that failed comes again within its longest delay; twice that, and it does not.
GIVEN_UP_AFTER = 2 * _RETRY.longest
#: A message that nobody ever took up may still wait in its queue, as long as that is a matter of hours.
LOST_AFTER = 4 * _RETRY.horizon
#: What was said of a contact that is overdue takes a moment to arrive.
SAID_FOR = timedelta(minutes=10)


class OutreachPoller:
    """Begins and ends tasks by the clock; several may run, for each takes the rows that it locks.

    What it says goes through the outbox, in the transaction that changes the task: a task is never begun without its
    crawl, nor twice.
    """

    def __init__(self, uow: Uow, clock: Clock, pace: Pace = PACE) -> None:
        self._uow = uow
        self._clock = clock
        self._pace = pace
        self._looked_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until told to stop."""
        await keep_passing(self.pass_once, name="outreach", stop=stop, pace=self._pace)

    async def pass_once(self) -> int:
        """Begin, end and ask once; return how many tasks began or ended.

        Creators who wait do not count: a task without room for them would keep the poller busy for nothing.
        """
        now = whole_milliseconds(self._clock())
        async with self._uow() as tx:
            ended = await self._end(tx, now) + await self._conclude(tx, now)
        async with self._uow() as tx:
            begun = await self._begin(tx, now)
        async with self._uow() as tx:
            await self._ask(tx, now)
        if self._looked_at is None or not self._looked_at <= now < self._looked_at + LOOK_EVERY:
            async with self._uow() as tx:
                await self._tell_overdue(tx, now)
                await self._ask(tx, now, is_over=True)
            self._looked_at = now
        return ended + begun

    async def _begin(self, tx: Transaction, now: datetime) -> int:
        begun, crawls = [], []
        for task in await tx.outreach_tasks.due(now, AT_ONCE):
            try:
                crawls.append(crawl_of(task))
                begun.append(started(task, now))
                log.info("outreach_task_began", task_id=task.id, region=task.region, due_at=task.plan_execute_time)
            except ValueError:  # Somebody else wrote the row; it must hold up no other.
                begun.append(stopped(task, TaskStatus.FAILED, StopReason.NO_SEARCH, now))
                log.exception("outreach_task_cannot_begin", task_id=task.id)
        await tx.outreach_tasks.save(begun)
        await tx.send_all(crawls)
        return len(begun)

    async def _end(self, tx: Transaction, now: datetime) -> int:
        over = await tx.outreach_tasks.expired(now, AT_ONCE)
        ended = [stopped(task, TaskStatus.TIMEOUT, StopReason.TIME, now) for task in over]
        await tx.outreach_tasks.save(ended)
        await tx.contacts.close(dict.fromkeys((task.id for task in ended), StopReason.TIME), now)
        for task in ended:
            log.info("outreach_task_ended", task_id=task.id, status=task.status, reason=task.stop_reason)
        return len(ended)

    async def _conclude(self, tx: Transaction, now: datetime) -> int:
        """End tasks to which no more creators come and of which none waits or is on its way."""
        handed = await tx.outreach_tasks.handed_over(now - GRACE, AT_ONCE)
        tallies = await tx.contacts.tally([task.id for task in handed], UNSETTLED)
        ended = []
        for task in handed:
            tally = tallies[task.id]
            is_quiet = not tally.get(ContactState.WAITING) and not tally.get(ContactState.QUEUED)
            if (after := concluded(task, now, is_quiet=is_quiet)) is not task:
                ended.append(after)
                log.info("outreach_task_ended", task_id=task.id, status=after.status, reason=after.stop_reason)
        await tx.outreach_tasks.save(ended)
        return len(ended)

    async def _ask(self, tx: Transaction, now: datetime, *, is_over: bool = False) -> None:
        """Hand creators who wait to whoever decides: their task was paused, or there was no room for them."""
        tasks = await tx.outreach_tasks.unasked(now, AT_ONCE, is_over=is_over)
        await tx.outreach_tasks.asked([task.id for task in tasks], now + ASK_AGAIN)
        for task in tasks:
            if waiting := await tx.contacts.waiting(task.id, now, WINDOW):
                await tx.send(DecideContacts.of([handed_over(each) for each in waiting]))

    async def _tell_overdue(self, tx: Transaction, now: datetime) -> None:
        """Say of contacts whose message became a dead letter, or got lost, what is known of it.

        They would be on their way for ever else: who parks a message does not know what it was about.
        """
        overdue = await tx.contacts.overdue(now - _RETRY.horizon, now, CREATORS_AT_ONCE)
        deliveries = await tx.deliveries.look_up([each.task_key for each in overdue if each.task_key])
        outcomes = [_outcome(each, deliveries.get(each.task_key or ""), now) for each in overdue]
        await tx.contacts.wake([each.id for each in overdue], now + SAID_FOR)
        await tx.send_all([told(outcome) for outcome in outcomes if outcome is not None])
        for outcome in filter(None, outcomes):
            log.warning(
                "outreach_contact_overdue",
                task_id=outcome.outreach_task_id,
                platform_creator_id=outcome.platform_creator_id,
                state=outcome.state,
                reason=outcome.reason,
            )


def _outcome(contact: Contact, delivery: ChatDelivery | None, now: datetime) -> ChatOutcome | None:
    """Return what is to be said of a contact that should have been written to by now; None while it may still be."""
    state = delivery.state if delivery else DeliveryState.PENDING
    reason = delivery.reason if delivery else None
    if state is DeliveryState.FAILED:
        assert delivery is not None
        if delivery.updated_at + GIVEN_UP_AFTER > now:
            return None
        reason = f"given up: {reason}"
    elif state in {DeliveryState.PENDING, DeliveryState.SENDING}:
        if contact.decided_at is None or contact.decided_at + LOST_AFTER > now:
            return None
        state, reason = (
            DeliveryState.UNCERTAIN,
            "nobody knows where its message is; see the dead letters of the chatbot",
        )
    return ChatOutcome(
        task_key=contact.task_key or "",
        outreach_task_id=contact.task_id,
        platform_creator_id=contact.platform_creator_id,
        state=state,
        at=now if state is not DeliveryState.SENT or delivery is None else delivery.updated_at,
        sender=delivery.sender if delivery else None,
        reason=reason,
        replied=delivery is not None and delivery.is_answered,
    )
