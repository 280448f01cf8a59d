"""When creators are to be written to, what was written, and how much of it on one day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, Row, Select, and_, bindparam, select, tuple_

from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.lease import is_free
from persistence.session import Session, chunks
from persistence.tables import chatbot_creator_days as days
from persistence.tables import chatbot_deliveries as deliveries
from persistence.tables import sample_chatbot_schedules as schedules
from persistence.tables import samples
from persistence.tables.types import UtcDateTime
from schemas.chatbot.records import ChatDelivery, DeliveryState, DueSchedule, Reminded, Scenario, Schedule

_CLAIM: Final = ("claim_token", "claimed_until")
_SCHEDULE: Final = tuple(schedules.c[each.name] for each in fields(Schedule))
_NAMES: Final = tuple(each.name for each in fields(Schedule))
_STATE: Final = tuple(
    each.name for each in fields(Schedule) if each.name not in {"id", "sample_id", "scenario", "created_at"}
)

#: What a confirmed run changes.
_COUNTED: Final = ("run_count", "last_run_time", "next_run_time", "active", "note", "updated_at")
_SCENARIOS: Final = {str(each): each for each in Scenario}

SAVE_SCHEDULES: Final = Bulk(
    table=schedules,
    paths=paths_of(schedules, leave_out=_CLAIM),
    key=("sample_id", "scenario"),
    replace=_STATE,
)
SETTLE_SCHEDULES: Final = Bulk(
    table=schedules,
    paths=paths_of(schedules, prefix="schedule.", leave_out=_CLAIM) | {name: name for name in _CLAIM},
    key=("id",),
    replace=(*_STATE, *_CLAIM),
)
BEGIN_DELIVERIES: Final = Bulk(table=deliveries, paths=paths_of(deliveries), key=("task_key",))
SAVE_DELIVERIES: Final = Bulk(
    table=deliveries,
    paths=paths_of(deliveries),
    key=("task_key",),
    replace=tuple(name for name in paths_of(deliveries) if name not in {"id", "task_key", "created_at"}),
)
ADD_TO_DAYS: Final = Bulk(table=days, paths=paths_of(days), key=("platform_creator_id", "day"), add=("published",))


@dataclass(frozen=True, slots=True)
class _Settled:
    """A schedule's new state, with its claim given up."""

    schedule: Schedule
    claim_token: None = None
    claimed_until: None = None


class CreatorDay(NamedTuple):
    """How many chat tasks were published to a creator on a day of the creator's own region."""

    platform_creator_id: str
    day: date
    published: int


class Schedules:
    """Reminders: handlers find and save them, the publisher that sends them claims and settles them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, sample_ids: Collection[str]) -> dict[tuple[str, Scenario], Schedule]:
        """Return the schedules of samples, locked until the transaction ends."""
        found: dict[tuple[str, Scenario], Schedule] = {}
        for chunk in chunks(sorted(set(sample_ids))):
            known = of_samples(select(*_SCHEDULE), chunk).with_for_update()
            for schedule in map(_schedule_of, await self._session.execute(known)):
                found[schedule.sample_id, schedule.scenario] = schedule
        return found

    async def save(self, changed: Sequence[Schedule]) -> None:
        """Insert or update by (sample, scenario); id, creation time and a publisher's claim stay."""
        await self._session.write(SAVE_SCHEDULES, sorted(changed, key=lambda each: (each.sample_id, each.scenario)))

    async def claim_due(self, *, now: datetime, limit: int, token: str, lease: timedelta) -> list[DueSchedule]:
        """Take the oldest due schedules that nobody holds, and the other due ones of the same samples with them.

        A sample of which another publisher holds a due schedule is left alone, so that all that is due for a sample
        can be merged into one message. After the lease another publisher may take what was not settled.
        """
        oldest = due(now).order_by(schedules.c.next_run_time, schedules.c.id).limit(limit)
        held = await self._locked(oldest)
        alike = await self._due_of(sorted({schedule.sample_id for schedule in held.values()}), now)
        for chunk in chunks(sorted(alike.keys() - held.keys())):
            held |= await self._locked(due(now).where(schedules.c.id.in_(chunk)))
        elsewhere = {sample_id for schedule_id, sample_id in alike.items() if schedule_id not in held}
        complete = [each for each in held.values() if each.sample_id not in elsewhere]
        await self._session.change(_MARK, sorted(each.id for each in complete), token=token, until=now + lease)
        known = await self._reminded(sorted({each.sample_id for each in complete}))
        complete.sort(key=lambda each: (each.next_run_time, each.id))
        return [DueSchedule(each, known.get(each.sample_id)) for each in complete]

    async def count(self, ids: Collection[str], like: Schedule, *, token: str) -> int:
        """Write how a confirmed run leaves `like` to claimed schedules that were like it, and give up their claims.

        Returns how many were still ours. One statement for all of them, which names no value twice.
        """
        state = {f"new_{name}": getattr(like, name) for name in _COUNTED}
        return await self._session.change(_COUNT, sorted(ids), token=token, **state)

    async def settle(self, settled: Sequence[Schedule], *, token: str) -> int:
        """Write the state of claimed schedules and give up their claims; return how many were still ours."""
        ours: set[str] = set()
        for chunk in chunks(sorted(each.id for each in settled)):
            still = select(schedules.c.id).where(schedules.c.id.in_(chunk), schedules.c.claim_token == token)
            ours.update((await self._session.execute(still.with_for_update())).scalars())
        mine = sorted((each for each in settled if each.id in ours), key=lambda each: each.id)
        await self._session.write(SETTLE_SCHEDULES, [_Settled(each) for each in mine])
        return len(mine)

    async def unpark(self, ids: Collection[str] | None, *, now: datetime) -> int:
        """Give parked schedules, or all of them, another chance; return how many."""
        parked = schedules.update().where(schedules.c.parked_at.is_not(None))
        freed = parked.values(parked_at=None, parked_reason=None, updated_at=now)
        if ids is None:
            return (await self._session.execute(freed)).rowcount
        chosen = [freed.where(schedules.c.id.in_(chunk)) for chunk in chunks(ids)]
        return sum([(await self._session.execute(statement)).rowcount for statement in chosen])

    async def listed(self, *, parked: bool | None, limit: int, sample_id: str | None = None) -> list[Schedule]:
        """Return the active schedules (all, the parked, or the others), the longest due first.

        Of one sample, those that have ended are among them.
        """
        wanted = select(*_SCHEDULE)
        wanted = wanted.where(schedules.c.sample_id == sample_id if sample_id else schedules.c.active)
        if parked is not None:
            at = schedules.c.parked_at
            wanted = wanted.where(at.is_not(None) if parked else at.is_(None))
        rows = await self._session.execute(wanted.order_by(schedules.c.next_run_time, schedules.c.id).limit(limit))
        return [_schedule_of(row) for row in rows]

    async def lag(self, now: datetime) -> timedelta:
        """Return how long the oldest due schedule has been waiting; zero when none is due."""
        oldest = select(schedules.c.next_run_time).where(_is_due(now)).order_by(schedules.c.next_run_time).limit(1)
        since = (await self._session.execute(oldest)).scalar_one_or_none()
        return now - since if since is not None else timedelta()

    async def _locked(self, query: Select[Any]) -> dict[str, Schedule]:
        rows = await self._session.execute(query.with_for_update(skip_locked=True))
        return {schedule.id: schedule for schedule in map(_schedule_of, rows)}

    async def _due_of(self, sample_ids: Sequence[str], now: datetime) -> dict[str, str]:
        """Return all that is due for some samples, held by whomever, and which sample each is of."""
        return {row[0]: row[1] for row in await self._session.read(_DUE_OF, sample_ids, now=now)}

    async def _reminded(self, ids: Sequence[str]) -> dict[str, Reminded]:
        return {row[0]: Reminded(*row) for row in await self._session.read(_SAMPLES, ids)}


def _is_due(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return and_(
        schedules.c.active,
        schedules.c.parked_at.is_(None),
        schedules.c.next_run_time <= now,
        schedules.c.run_count < schedules.c.max_runs,
    )


def due(now: datetime) -> Select[Any]:
    """Select the schedules that are due and that no publisher holds."""
    return select(*_SCHEDULE).where(_is_due(now), is_free(schedules.c.claimed_until, now))


def of_samples(query: Select[Any], sample_ids: Sequence[str] | BindParameter[Any]) -> Select[Any]:
    """Restrict a query of schedules to some samples, read by their key.

    Left to choose, MariaDB reads every due schedule instead, which a backlog makes slow, and locks them on the way.
    """
    hinted = query.where(schedules.c.sample_id.in_(sample_ids))
    for server in ("mysql", "mariadb"):
        hinted = hinted.with_hint(schedules, "FORCE INDEX (uq_sample_scenario)", server)
    return hinted


_MARK: Final = Keyed(
    schedules.update()
    .where(schedules.c.id.in_(KEYS))
    .values(claim_token=bindparam("token"), claimed_until=bindparam("until")),
)
_DUE_OF: Final = Keyed(
    of_samples(select(schedules.c.id, schedules.c.sample_id).where(_is_due(bindparam("now", type_=UtcDateTime))), KEYS),
)
_SAMPLES: Final = Keyed(select(*(samples.c[name] for name in Reminded._fields)).where(samples.c.id.in_(KEYS)))
_COUNT: Final = Keyed(
    schedules.update()
    .where(schedules.c.id.in_(KEYS), schedules.c.claim_token == bindparam("token"))
    .values({name: bindparam(f"new_{name}") for name in _COUNTED} | dict.fromkeys(_CLAIM)),
)


def of_days(pairs: Sequence[tuple[str, date]]) -> Select[Any]:
    """Select the counts of some creators' days, read and locked by their key and not with the rest of the table."""
    query = (
        select(days.c.platform_creator_id, days.c.day, days.c.published)
        .where(tuple_(days.c.platform_creator_id, days.c.day).in_(pairs))
        .with_for_update()
    )
    for server in ("mysql", "mariadb"):
        query = query.with_hint(days, "FORCE INDEX (PRIMARY)", server)
    return query


def _schedule_of(row: Row[Any]) -> Schedule:
    """Read a row by position, as reading by name takes twice as long."""
    values = dict(zip(_NAMES, row, strict=True))
    values["scenario"] = _SCENARIOS.get(values["scenario"]) or Scenario(values["scenario"])
    return Schedule(**values)


_REACHED: Final = Keyed(
    select(deliveries.c.platform_creator_id)
    .where(deliveries.c.platform_creator_id.in_(KEYS), deliveries.c.state == bindparam("state"))
    .distinct()
)


class Deliveries:
    """Chat tasks and what became of them, by task key."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def begin(self, tasks: Sequence[ChatDelivery]) -> dict[str, ChatDelivery]:
        """Insert the tasks that are new, and return what is stored of all of them, locked."""
        await self._session.write(BEGIN_DELIVERIES, sorted(tasks, key=lambda task: task.task_key))
        return await self.find({task.task_key for task in tasks})

    async def find(self, task_keys: Collection[str]) -> dict[str, ChatDelivery]:
        """Return what is stored under these keys, locked."""
        stored: dict[str, ChatDelivery] = {}
        for chunk in chunks(sorted(set(task_keys))):
            by_key = select(deliveries).where(deliveries.c.task_key.in_(chunk)).with_for_update()
            stored |= {row.task_key: _delivery_of(row) for row in await self._session.execute(by_key)}
        return stored

    async def look_up(self, task_keys: Collection[str]) -> dict[str, ChatDelivery]:
        """Return what is stored under these keys, for somebody who changes nothing."""
        stored: dict[str, ChatDelivery] = {}
        for chunk in chunks(sorted(set(task_keys))):
            by_key = select(deliveries).where(deliveries.c.task_key.in_(chunk))
            stored |= {row.task_key: _delivery_of(row) for row in await self._session.execute(by_key)}
        return stored

    async def save(self, changed: Sequence[ChatDelivery]) -> None:
        """Write what has become of tasks."""
        await self._session.write(SAVE_DELIVERIES, sorted(changed, key=lambda task: task.task_key))

    async def reached(self, creator_ids: Collection[str]) -> set[str]:
        """Return those of these creators to whom something was sent: their chats show a message."""
        return {
            row[0] for row in await self._session.read(_REACHED, sorted(set(creator_ids)), state=DeliveryState.SENT)
        }

    async def listed(self, state: DeliveryState, limit: int) -> list[ChatDelivery]:
        """Return the tasks in a state, the longest unchanged first."""
        in_state = select(deliveries).where(deliveries.c.state == state)
        rows = await self._session.execute(in_state.order_by(deliveries.c.updated_at, deliveries.c.id).limit(limit))
        return [_delivery_of(row) for row in rows]


def _delivery_of(row: Row[Any]) -> ChatDelivery:
    values = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public name for it
    return ChatDelivery(**values | {"state": DeliveryState(values["state"])})


class CreatorDays:
    """How many chat tasks were published to a creator on a day, for the daily cap."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def added(self, counts: Mapping[tuple[str, date], int]) -> dict[tuple[str, date], int]:
        """Add to the counts and return what they are now; nobody else changes them until the transaction ends."""
        await self.add(counts)
        now: dict[tuple[str, date], int] = {}
        for chunk in chunks(sorted(counts)):
            rows = await self._session.execute(of_days(chunk))
            now |= {(row.platform_creator_id, row.day): row.published for row in rows}
        return now

    async def add(self, counts: Mapping[tuple[str, date], int]) -> None:
        """Add to the counts; a day without any begins at zero."""
        await self._session.write(ADD_TO_DAYS, [CreatorDay(*pair, more) for pair, more in sorted(counts.items())])
