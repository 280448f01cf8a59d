"""The chatbot schedule publisher: each due run is published once, and counts when the broker has confirmed it."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import structlog

from brokers import metrics
from brokers.outgoing import new_message_id
from brokers.verdict import Unavailable
from persistence.uow import Transaction, Uow
from publishers.clockwork import Polling, insist, keep_passing
from publishers.confirming import ConfirmingPublisher
from publishers.schedules.judgement import Park, Policy, Postpone, Send, applied, counted
from publishers.schedules.renderer import Renderer
from publishers.schedules.tasks import Bundle, Draft, drafted
from schemas.chatbot.records import DueSchedule, Schedule
from schemas.clock import Clock

log = structlog.get_logger()

#: Finding the oldest due row is a query, so the lag is measured now and then and not on every pass.
MEASURED_EVERY = timedelta(seconds=2)

#: Enough that the wait for the last one's confirms is short beside the pass, and few enough that a stop is soon heeded.
BATCHES_A_PASS = 8

Day = tuple[str, date]


@dataclass(slots=True)
class _Claimed:
    """A pass's catch: how many rows were due, what is to be said, and the rows that were settled at once."""

    rows: int
    bundles: list[Bundle] = field(default_factory=list)
    settled: list[Schedule] = field(default_factory=list)


class SchedulePublisher:
    """Publishes due schedules; several may run.

    Rows are claimed under a lease in one transaction, in which those not to be sent now are settled and the creators'
    daily counts are locked and reserved. Rendering and publishing happen outside transactions. A run is counted only
    when its message is confirmed; an unconfirmed row is released as it was. After a crash in between, the lease runs
    out and the same runs are published under the same message ids.
    """

    def __init__(
        self,
        uow: Uow,
        publisher: ConfirmingPublisher,
        clock: Clock,
        *,
        policy: Policy | None = None,
        renderer: Renderer | None = None,
        polling: Polling | None = None,
    ) -> None:
        self._uow = uow
        self._publisher = publisher
        self._clock = clock
        self._policy = policy or Policy()
        self._renderer = renderer or Renderer()
        self._polling = polling or Polling()
        self._measured_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Publish what falls due until told to stop."""
        await keep_passing(self.pass_once, name="schedules", stop=stop, pace=self._polling.pace)

    async def pass_once(self) -> int:
        """Claim, judge, render, publish and settle what is due, some batches at most; return how many rows were due.

        While a batch is on its way to the broker and back, the next is claimed. Raises Unavailable, after all batches
        are settled, if the broker confirmed less than everything.
        """
        rows = 0
        telling: list[asyncio.Task[None]] = []
        try:
            while len(telling) < BATCHES_A_PASS and not any(map(_has_failed, telling)):
                token = new_message_id()
                claimed = await self._claim(token, self._clock())
                rows += claimed.rows
                if claimed.bundles:
                    telling.append(asyncio.create_task(self._tell(claimed.bundles, token)))
                if claimed.rows < self._polling.batch_size:
                    break
        finally:
            outcomes = await asyncio.gather(*telling, return_exceptions=True)
        for failure in filter(None, outcomes):
            raise failure
        return rows

    async def _tell(self, bundles: Sequence[Bundle], token: str) -> None:
        now = self._clock()
        drafts = [drafted(bundle, self._renderer, now) for bundle in bundles]
        to_say = [draft for draft in drafts if draft.message is not None]
        outcomes = await self._publisher.publish_many([draft.message for draft in to_say if draft.message is not None])
        failures = [outcome for outcome in outcomes if outcome is not None]
        confirmed = [draft for draft, outcome in zip(to_say, outcomes, strict=True) if outcome is None]
        await insist(lambda: self._settle(drafts, confirmed, token))
        if failures:
            raise Unavailable(f"{len(failures)} of {len(outcomes)} chat tasks not confirmed: {failures[0]}")

    async def _claim(self, token: str, now: datetime) -> _Claimed:
        async with self._uow() as tx:
            due = await tx.schedules.claim_due(
                now=now, limit=self._polling.batch_size, token=token, lease=self._polling.lease
            )
            claimed = self._judged(due, now)
            claimed = await self._within_cap(claimed, tx, now)
            if claimed.settled:
                await tx.schedules.settle(claimed.settled, token=token)
            if self._measured_at is None or not self._measured_at <= now < self._measured_at + MEASURED_EVERY:
                self._measured_at = now
                metrics.schedule_lag.set((await tx.schedules.lag(now)).total_seconds())
        _tell_parked(claimed.settled)
        return claimed

    def _judged(self, due: Sequence[DueSchedule], now: datetime) -> _Claimed:
        """Sort due rows into what is settled at once and what is to be sent, bundled by sample."""
        claimed = _Claimed(len(due))
        sends: dict[str, tuple[Send, list[Schedule]]] = {}
        for each in due:
            judgement = self._policy.judge(each, now)
            if isinstance(judgement, Send):
                sends.setdefault(judgement.sample.id, (judgement, []))[1].append(each.schedule)
            else:
                claimed.settled.append(applied(judgement, each.schedule, now))
        claimed.bundles = [
            Bundle(
                region=send.region,
                sample=send.sample,
                platform_creator_id=send.platform_creator_id,
                schedules=schedules,
            )
            for send, schedules in sends.values()
        ]
        return claimed

    async def _within_cap(self, claimed: _Claimed, tx: Transaction, now: datetime) -> _Claimed:
        """Reserve each bundle's place in its creator's day; one that finds the day full waits for the next."""
        cap = self._policy.politeness.daily_cap
        if not cap or not claimed.bundles:
            return claimed
        today = {
            each: self._policy.politeness.local_day(each, now) for each in {each.region for each in claimed.bundles}
        }
        days = [(each.platform_creator_id, today[each.region]) for each in claimed.bundles]
        asked = Counter(days)
        room = {day: cap - (published - asked[day]) for day, published in (await tx.creator_days.added(asked)).items()}
        kept, settled, given_back = [], list(claimed.settled), Counter[Day]()
        for bundle, day in zip(claimed.bundles, days, strict=True):
            room[day] -= 1
            if room[day] >= 0:
                kept.append(bundle._replace(day=day))
            else:
                given_back[day] -= 1
                until = self._policy.politeness.next_opening(bundle.region, now)
                full = Postpone(until, f"the creator had {cap} messages on {day[1]}")
                settled += [applied(full, schedule, now) for schedule in bundle.schedules]
        if given_back:
            await tx.creator_days.add(given_back)
        return _Claimed(claimed.rows, kept, settled)

    async def _settle(self, drafts: Sequence[Draft], confirmed: Sequence[Draft], token: str) -> None:
        """Count what was confirmed, park what could not be rendered, release the rest and give back its places."""
        now = self._clock()
        is_confirmed = set(map(id, confirmed))
        settled: list[Schedule] = []
        given_back = Counter[Day]()
        for draft in drafts:
            settled += [applied(Park(reason), schedule, now) for schedule, reason in draft.failed]
            if id(draft) not in is_confirmed:
                settled += draft.told
                if draft.bundle.day is not None:
                    given_back[draft.bundle.day] -= 1
        runs = [schedule for draft in confirmed for schedule in draft.told]
        async with self._uow() as tx:
            for alike in _alike(runs):
                await tx.schedules.count([each.id for each in alike], counted(alike[0], now), token=token)
            await tx.schedules.settle(settled, token=token)
            if given_back:
                await tx.creator_days.add(given_back)
        for scenario, number in Counter(each.scenario for each in runs).items():
            metrics.schedules_published.labels(scenario.value).inc(number)
        _tell_parked(settled)


def _alike(schedules: Sequence[Schedule]) -> Iterable[Sequence[Schedule]]:
    """Sort schedules by what a counted run makes of them: few kinds, so that few statements count them all."""
    kinds: dict[tuple[Any, ...], list[Schedule]] = {}
    for each in schedules:
        kinds.setdefault((each.run_count, each.interval_days, each.max_runs), []).append(each)
    return kinds.values()


def _has_failed(task: asyncio.Task[None]) -> bool:
    return task.done() and task.exception() is not None


def _tell_parked(schedules: Sequence[Schedule]) -> None:
    for schedule in schedules:
        if schedule.parked_at is not None:
            metrics.schedules_parked.inc()
            log.warning("schedule_parked", schedule=schedule.id, reason=schedule.parked_reason)
