"""Schedules, deliveries and creator days in memory, with the claims and locks that publishers rely on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from schemas.chatbot.records import ChatDelivery, DeliveryState, DueSchedule, Reminded, Scenario, Schedule
from schemas.samples.records import Sample


def reminded(sample: Sample | None) -> Reminded | None:
    return sample and Reminded(*(getattr(sample, name) for name in Reminded._fields))


class FakeSchedules:
    """Schedules by id, claims beside them; `samples` is what due schedules are shown beside."""

    def __init__(self) -> None:
        self.rows: dict[str, Schedule] = {}
        self.samples: dict[str, Sample] = {}
        self.claims: dict[str, tuple[str, datetime]] = {}

    async def find(self, sample_ids: Collection[str]) -> dict[tuple[str, Scenario], Schedule]:
        wanted = set(sample_ids)
        return {(row.sample_id, row.scenario): row for row in self.rows.values() if row.sample_id in wanted}

    async def save(self, changed: Sequence[Schedule]) -> None:
        for schedule in changed:
            known = await self.find([schedule.sample_id])
            stored = known.get((schedule.sample_id, schedule.scenario))
            self.rows[stored.id if stored else schedule.id] = replace(schedule, id=stored.id if stored else schedule.id)

    async def claim_due(self, *, now: datetime, limit: int, token: str, lease: timedelta) -> list[DueSchedule]:
        free = [row for row in self._due(now) if not self._is_held(row, now)]
        oldest = {row.sample_id for row in free[:limit]}
        held_elsewhere = {row.sample_id for row in self._due(now) if self._is_held(row, now)}
        taken = [row for row in free if row.sample_id in oldest - held_elsewhere]
        self.claims |= {row.id: (token, now + lease) for row in taken}
        return [DueSchedule(row, reminded(self.samples.get(row.sample_id))) for row in taken]

    async def count(self, ids: Collection[str], like: Schedule, *, token: str) -> int:
        mine = [self.rows[each] for each in ids if self.claims.get(each, ("", None))[0] == token]
        for row in mine:
            self.rows[row.id] = replace(
                row,
                run_count=like.run_count,
                last_run_time=like.last_run_time,
                next_run_time=like.next_run_time,
                active=like.active,
                note=like.note,
                updated_at=like.updated_at,
            )
            del self.claims[row.id]
        return len(mine)

    async def settle(self, settled: Sequence[Schedule], *, token: str) -> int:
        mine = [row for row in settled if self.claims.get(row.id, ("", None))[0] == token]
        for row in mine:
            self.rows[row.id] = row
            del self.claims[row.id]
        return len(mine)

    async def unpark(self, ids: Collection[str] | None, *, now: datetime) -> int:
        parked = [row for row in self.rows.values() if row.parked_at and (ids is None or row.id in ids)]
        self.rows |= {row.id: replace(row, parked_at=None, parked_reason=None, updated_at=now) for row in parked}
        return len(parked)

    async def lag(self, now: datetime) -> timedelta:
        return max((now - row.next_run_time for row in self._due(now)), default=timedelta())

    def _is_held(self, row: Schedule, now: datetime) -> bool:
        return row.id in self.claims and self.claims[row.id][1] > now

    def _due(self, now: datetime) -> list[Schedule]:
        due = [
            row
            for row in self.rows.values()
            if row.active and row.parked_at is None and row.next_run_time <= now and row.run_count < row.max_runs
        ]
        return sorted(due, key=lambda row: (row.next_run_time, row.id))


class FakeDeliveries:
    """Chat tasks and what became of them, by task key."""

    def __init__(self) -> None:
        self.rows: dict[str, ChatDelivery] = {}

    async def begin(self, tasks: Sequence[ChatDelivery]) -> dict[str, ChatDelivery]:
        for task in tasks:
            self.rows.setdefault(task.task_key, task)
        return await self.find({task.task_key for task in tasks})

    async def find(self, task_keys: Collection[str]) -> dict[str, ChatDelivery]:
        return {key: self.rows[key] for key in task_keys if key in self.rows}

    async def look_up(self, task_keys: Collection[str]) -> dict[str, ChatDelivery]:
        return await self.find(task_keys)

    async def save(self, changed: Sequence[ChatDelivery]) -> None:
        self.rows |= {task.task_key: task for task in changed}

    async def listed(self, state: DeliveryState, limit: int) -> list[ChatDelivery]:
        return [task for task in self.rows.values() if task.state is state][:limit]


class FakeCreatorDays:
    """How many chat tasks were published to a creator on a day."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, date], int] = {}

    async def added(self, counts: Mapping[tuple[str, date], int]) -> dict[tuple[str, date], int]:
        await self.add(counts)
        return {pair: self.rows[pair] for pair in counts}

    async def add(self, counts: Mapping[tuple[str, date], int]) -> None:
        for pair, more in counts.items():
            self.rows[pair] = self.rows.get(pair, 0) + more
