"""Outreach tasks, and whom each of them wrote to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Exists, Row, Select, Table, and_, bindparam, exists, func, or_, select

from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.session import Session, chunks
from persistence.tables import outreach_contacts as contacts
from persistence.tables import outreach_tasks as tasks
from schemas.outreach.records import (
    BEFORE,
    Contact,
    ContactState,
    Decision,
    OutreachTask,
    TaskStatus,
)
from schemas.outreach.statuses import LENIENT, LENIENT_ENDS

_TASK: Final = tuple(each.name for each in fields(OutreachTask))
_CONTACT: Final = tuple(each.name for each in fields(Contact))

ADD_TASKS: Final = Bulk(table=tasks, paths={name: name for name in _TASK})
SAVE_TASKS: Final = Bulk(
    table=tasks,
    paths={name: name for name in _TASK},
    key=("id",),
    replace=tuple(name for name in _TASK if name not in {"id", "creator_id", "creation_time"}),
)
ADD_CONTACTS: Final = Bulk(table=contacts, paths=paths_of(contacts), key=("task_id", "platform_creator_id"))
SAVE_CONTACTS: Final = Bulk(
    table=contacts,
    paths=paths_of(contacts),
    key=("task_id", "platform_creator_id"),
    replace=tuple(name for name in _CONTACT if name not in {"id", "task_id", "platform_creator_id", "created_at"}),
)

#: Tasks whose contacts may be decided although they are over: they only said that no more creators are to come.
_LENIENT: Final = and_(tasks.c.status.in_(sorted(LENIENT_ENDS)), tasks.c.stop_reason.in_(sorted(LENIENT)))
_RUNS: Final = tasks.c.status == TaskStatus.RUNNING
_WAITS: Final = contacts.c.state == ContactState.WAITING
_LOOK_UP: Final = Keyed(select(*(tasks.c[name] for name in _TASK)).where(tasks.c.id.in_(KEYS)))
_ASKED: Final = Keyed(tasks.update().where(tasks.c.id.in_(KEYS)).values(asked_until=bindparam("until")))
_DROP: Final = Keyed(
    contacts.update()
    .where(contacts.c.id.in_(KEYS), contacts.c.state == ContactState.WAITING)
    .values(
        state=ContactState.SKIPPED, reason=bindparam("reason"), updated_at=bindparam("now"), decided_at=bindparam("now")
    )
)
_WAKE: Final = Keyed(contacts.update().where(contacts.c.id.in_(KEYS)).values(woken_until=bindparam("until")))


def _is_past(moment: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    return or_(moment.is_(None), moment <= now)


def _has(states: Collection[ContactState]) -> Exists:
    """Ask whether a task has contacts in these states."""
    return exists().where(contacts.c.task_id == tasks.c.id, contacts.c.state.in_(sorted(states)))


def _by(table: Table, index: str, query: Select[Any]) -> Select[Any]:
    """Read and lock by an index: left to choose, MariaDB reads a small table whole, and locks all of it on the way."""
    for server in ("mysql", "mariadb"):
        query = query.with_hint(table, f"FORCE INDEX ({index})", server)
    return query


def of_creators(creator_ids: Sequence[str]) -> Select[Any]:
    """Select every task's contacts of some creators, to be locked."""
    by_id = contacts.c.platform_creator_id.in_(creator_ids)
    return _by(contacts, "ix_outreach_contacts_creator", select(contacts).where(by_id).with_for_update())


def of_usernames(keys: Sequence[str]) -> Select[Any]:
    """Select every task's contacts of creators who go by some usernames, to be locked."""
    by_name = contacts.c.username_key.in_(keys)
    return _by(contacts, "ix_outreach_contacts_username", select(contacts).where(by_name).with_for_update())


class OutreachTasks:
    """Tasks by id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, ids: Collection[str]) -> dict[str, OutreachTask]:
        """Return the tasks that exist, locked until the transaction ends."""
        found: dict[str, OutreachTask] = {}
        for chunk in chunks(sorted(set(ids))):
            by_id = _by(tasks, "PRIMARY", select(*_columns(tasks, _TASK)).where(tasks.c.id.in_(chunk)))
            found |= {task.id: task for task in map(_task_of, await self._session.execute(by_id.with_for_update()))}
        return found

    async def look_up(self, ids: Collection[str]) -> dict[str, OutreachTask]:
        """Return the tasks that exist as they are at the moment, without a lock."""
        rows = await self._session.read(_LOOK_UP, sorted(set(ids)))
        return {task.id: task for task in map(_task_of, rows)}

    async def add(self, task: OutreachTask) -> None:
        """Insert a task that was not found; one that appeared meanwhile is a Conflict."""
        await self._session.write(ADD_TASKS, [task])

    async def save(self, changed: Iterable[OutreachTask]) -> None:
        """Write tasks found under lock; who made a task, and when, stays."""
        await self._session.write(SAVE_TASKS, sorted(changed, key=lambda task: task.id))

    async def due(self, now: datetime, limit: int) -> list[OutreachTask]:
        """Take tasks whose time to run has come and that nobody else is looking at, locked."""
        has_come = and_(tasks.c.status.in_(sorted(BEFORE)), tasks.c.plan_execute_time <= now)
        is_in_time = or_(tasks.c.plan_stop_time.is_(None), tasks.c.plan_stop_time > now)
        return await self._taken(select(*_columns(tasks, _TASK)).where(has_come, is_in_time), limit)

    async def expired(self, now: datetime, limit: int) -> list[OutreachTask]:
        """Take tasks whose time to end has come, locked."""
        statuses = [*sorted(BEFORE), TaskStatus.RUNNING, TaskStatus.PAUSED]
        has_come = and_(tasks.c.status.in_(statuses), tasks.c.plan_stop_time <= now)
        return await self._taken(select(*_columns(tasks, _TASK)).where(has_come), limit)

    async def handed_over(self, before: datetime, limit: int) -> list[OutreachTask]:
        """Take running tasks that were told before then that no more creators come, and of which none waits; locked."""
        is_handed = and_(_RUNS, tasks.c.handed_over_at <= before)
        none_waits = ~_has([ContactState.WAITING, ContactState.QUEUED])
        query = select(tasks.c.id).where(is_handed, none_waits).order_by(tasks.c.handed_over_at).limit(limit)
        return await self._free(query, is_handed)

    async def unasked(self, now: datetime, limit: int, *, is_over: bool) -> list[OutreachTask]:
        """Take open tasks of which creators wait, and of whom nobody was asked to decide lately; locked.

        `is_over` looks for those that ended with a word that no more creators come, in place of those that run.
        """
        is_open = and_(_LENIENT if is_over else _RUNS, _is_past(tasks.c.asked_until, now))
        query = select(tasks.c.id).where(is_open, _has([ContactState.WAITING])).order_by(tasks.c.id).limit(limit)
        return await self._free(query, is_open)

    async def asked(self, ids: Collection[str], until: datetime) -> None:
        """Note that somebody was asked to decide on the creators of tasks who wait."""
        await self._session.change(_ASKED, sorted(ids), until=until)

    async def listed(self, status: TaskStatus | None, limit: int) -> list[OutreachTask]:
        """Return tasks, the ones that changed last first."""
        query = select(*_columns(tasks, _TASK))
        if status is not None:
            query = query.where(tasks.c.status == status)
        rows = await self._session.execute(
            query.order_by(tasks.c.last_modification_time.desc(), tasks.c.id).limit(limit)
        )
        return list(map(_task_of, rows))

    async def _free(self, candidates: Select[Any], still: ColumnElement[bool]) -> list[OutreachTask]:
        """Take those of some tasks that nobody else is looking at; to find them locks nothing, as contacts are read."""
        ids = [row.id for row in await self._session.execute(candidates)]
        if not ids:
            return []
        found = _by(tasks, "PRIMARY", select(*_columns(tasks, _TASK)).where(tasks.c.id.in_(ids), still))
        return await self._taken(found, len(ids))

    async def _taken(self, query: Select[Any], limit: int) -> list[OutreachTask]:
        rows = await self._session.execute(query.order_by(tasks.c.id).limit(limit).with_for_update(skip_locked=True))
        return list(map(_task_of, rows))


class Contacts:
    """Contacts by task and creator; their sent ones are the history of a creator."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, new: Sequence[Contact]) -> None:
        """Insert contacts; one that its task has already stays as it is."""
        await self._session.write(ADD_CONTACTS, sorted(new, key=_order))

    async def save(self, changed: Sequence[Contact]) -> None:
        """Write what has become of contacts."""
        await self._session.write(SAVE_CONTACTS, sorted(changed, key=_order))

    async def find(self, task_id: str, creator_ids: Collection[str]) -> dict[str, Contact]:
        """Return a task's contacts of some creators, by creator, locked."""
        found: dict[str, Contact] = {}
        for chunk in chunks(sorted(set(creator_ids))):
            of_task = and_(contacts.c.task_id == task_id, contacts.c.platform_creator_id.in_(chunk))
            query = _by(contacts, "uq_contact", select(contacts).where(of_task).with_for_update())
            found |= {each.platform_creator_id: each for each in map(_contact_of, await self._session.execute(query))}
        return found

    async def known(self, creator_ids: Collection[str], usernames: Collection[str]) -> list[Contact]:
        """Return all contacts of creators who go by these ids or usernames, of whatever task, locked.

        The lock makes two tasks that found one creator at the same moment decide one after the other.
        """
        found: dict[str, Contact] = {}
        for chunk in chunks(sorted(set(creator_ids))):
            found |= {each.id: each for each in map(_contact_of, await self._session.execute(of_creators(chunk)))}
        for chunk in chunks(sorted(set(usernames))):
            found |= {each.id: each for each in map(_contact_of, await self._session.execute(of_usernames(chunk)))}
        return list(found.values())

    async def sent(self, creator_id: str | None, usernames: Collection[str], limit: int) -> list[Contact]:
        """Return when a creator was written to, the latest time first."""
        goes_by: list[ColumnElement[bool]] = []
        if usernames:
            goes_by.append(contacts.c.username_key.in_(sorted(usernames)))
        if creator_id:
            goes_by.append(contacts.c.platform_creator_id == creator_id)
        if not goes_by:
            return []
        query = select(contacts).where(contacts.c.state == ContactState.SENT, or_(*goes_by))
        rows = await self._session.execute(query.order_by(contacts.c.sent_at.desc(), contacts.c.id).limit(limit))
        return list(map(_contact_of, rows))

    async def tally(
        self, task_ids: Collection[str], states: Collection[ContactState] = tuple(ContactState)
    ) -> dict[str, dict[ContactState, int]]:
        """Count the contacts of tasks by state, all of them unless some are named."""
        counts: dict[str, dict[ContactState, int]] = {task_id: {} for task_id in task_ids}
        for chunk in chunks(sorted(counts)):
            counted = select(contacts.c.task_id, contacts.c.state, func.count().label("number"))
            of_tasks = counted.where(contacts.c.task_id.in_(chunk), contacts.c.state.in_(sorted(states)))
            of_tasks = of_tasks.group_by(contacts.c.task_id, contacts.c.state)
            for row in await self._session.execute(of_tasks):
                counts[row.task_id][ContactState(row.state)] = row.number
        return counts

    async def waiting(self, task_id: str, now: datetime, limit: int) -> list[Contact]:
        """Return a task's contacts that wait and can be decided, in the order in which the creators were found."""
        waits = and_(contacts.c.task_id == task_id, _WAITS, _is_past(contacts.c.woken_until, now))
        query = select(contacts).where(waits).order_by(contacts.c.created_at, contacts.c.id).limit(limit)
        return list(map(_contact_of, await self._session.execute(query)))

    async def overdue(self, before: datetime, now: datetime, limit: int) -> list[Contact]:
        """Take contacts on their way since before then, of which nobody asked lately what became of them; locked."""
        is_on_its_way = and_(
            contacts.c.state == ContactState.QUEUED,
            contacts.c.decided_at < before,
            _is_past(contacts.c.woken_until, now),
        )
        query = select(contacts).where(is_on_its_way).order_by(contacts.c.decided_at, contacts.c.id).limit(limit)
        return list(map(_contact_of, await self._session.execute(query.with_for_update(skip_locked=True))))

    async def wake(self, ids: Collection[str], until: datetime) -> None:
        """Note that somebody was asked what became of contacts."""
        await self._session.change(_WAKE, sorted(ids), until=until)

    async def close(self, reasons: Mapping[str, str], now: datetime) -> int:
        """Skip what still waits of tasks that are over, with a reason each; returns how many contacts that were."""
        closed = 0
        for task_id, reason in sorted(reasons.items()):
            waits = and_(contacts.c.task_id == task_id, _WAITS)
            skipped = {"state": ContactState.SKIPPED, "reason": reason, "updated_at": now, "decided_at": now}
            closed += (await self._session.execute(contacts.update().where(waits).values(skipped))).rowcount
        return closed

    async def drop(self, task_id: str, reason: str, now: datetime, limit: int) -> int:
        """Skip those of a task's creators who wait and were found last; returns how many they were."""
        last = select(contacts.c.id).where(contacts.c.task_id == task_id, _WAITS)
        last = last.order_by(contacts.c.created_at.desc(), contacts.c.id.desc()).limit(limit)
        ids = [row.id for row in await self._session.execute(last)]
        return await self._session.change(_DROP, ids, reason=reason, now=now)

    async def listed(self, task_id: str, state: ContactState | None, limit: int) -> list[Contact]:
        """Return contacts of a task, the ones that changed last first."""
        query = select(contacts).where(contacts.c.task_id == task_id)
        if state is not None:
            query = query.where(contacts.c.state == state)
        rows = await self._session.execute(query.order_by(contacts.c.updated_at.desc(), contacts.c.id).limit(limit))
        return list(map(_contact_of, rows))


def _columns(table: Table, names: Iterable[str]) -> list[Any]:
    return [table.c[name] for name in names]


def _order(contact: Contact) -> tuple[str, str]:
    return contact.task_id, contact.platform_creator_id


def _task_of(row: Sequence[Any]) -> OutreachTask:
    values = dict(zip(_TASK, row, strict=True))
    return OutreachTask(**values | {"status": TaskStatus(values["status"])})


def _contact_of(row: Row[Any]) -> Contact:
    values = dict(row._mapping)  # noqa: SLF001  SQLAlchemy's public name for it
    decision = values["decision"]
    return Contact(
        **values
        | {"state": ContactState(values["state"]), "decision": Decision(decision) if decision is not None else None}
    )
