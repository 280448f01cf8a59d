"""Customers and the conversations with them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, bindparam, func, or_, select

from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.replies.rows import made, new_values_of, record_of, selected, update_of
from persistence.session import Session, chunks
from persistence.tables import replies, threads, users
from schemas.replies.records import Handoff, ReplyState, Thread, User

#: Who wakes a conversation notes it here, and nobody else writes it.
_WAKING: Final = ("woken_until", "send_woken_until")

SEEN: Final = Bulk(
    table=users,
    paths=paths_of(users),
    key=("tiktok_id",),
    replace=("username", "last_interaction_at"),
    newest="last_interaction_at",
)
#: What of a conversation never changes.
_FIXED: Final = ("conversation_id", "created_at")
_CHANGES: Final = update_of(Thread, by="conversation_id", leave_out=_FIXED)
_SAVE: Final = Keyed(_CHANGES)
_UNTIL: Final = {name: {name: bindparam("until", type_=threads.c[name].type)} for name in _WAKING}
_WOKEN: Final = {name: Keyed(_CHANGES.values(_UNTIL[name])) for name in _WAKING}
_NOTED: Final = {
    name: Keyed(threads.update().where(threads.c.conversation_id.in_(KEYS)).values(_UNTIL[name])) for name in _WAKING
}
OPEN: Final = Bulk(table=threads, paths=paths_of(threads, leave_out=_WAKING), key=("conversation_id",))
_SAVE_MANY: Final = Bulk(
    table=threads,
    paths=paths_of(threads, leave_out=_WAKING),
    key=("conversation_id",),
    replace=tuple(paths_of(threads, leave_out=(*_WAKING, *_FIXED))),
)
_WAKE_MANY: Final = {
    name: Bulk(
        table=threads,
        paths=paths_of(threads, prefix="thread.", leave_out=_WAKING) | {name: "until"},
        key=("conversation_id",),
        replace=(*paths_of(threads, leave_out=(*_WAKING, *_FIXED)), name),
    )
    for name in _WAKING
}
_IS_IT: Final = threads.c.conversation_id == bindparam("conversation")
_GET: Final = Keyed(selected(Thread).where(_IS_IT))
_LOCK: Final = Keyed(selected(Thread).where(_IS_IT).with_for_update())
_LOCK_MANY: Final = Keyed(
    selected(Thread).where(threads.c.conversation_id.in_(KEYS)).order_by(threads.c.conversation_id).with_for_update()
)
_USER: Final = Keyed(selected(User).where(users.c.tiktok_id == bindparam("tiktok_id")))
_USERS: Final = Keyed(selected(User).where(users.c.tiktok_id.in_(KEYS)))
_LOCK_USERS: Final = Keyed(
    selected(User).where(users.c.tiktok_id.in_(KEYS)).order_by(users.c.tiktok_id).with_for_update()
)


def _is_asleep(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= bindparam("now"))


_MOST: Final = bindparam("most", type_=Integer)
_DUE: Final = Keyed(
    select(threads.c.conversation_id)
    .where(
        threads.c.answer_at <= bindparam("now"),
        threads.c.handoff == Handoff.BOT,
        _is_asleep(threads.c.woken_until),
    )
    .order_by(threads.c.answer_at)
    .limit(_MOST)
)
#: What may be sent now, was left by one who died, or is to be asked about; together they would read no index.
_DUE_TO_SEND: Final = [
    Keyed(
        select(replies.c.conversation_id)
        .join(threads, threads.c.conversation_id == replies.c.conversation_id)
        .where(replies.c.state == state, since <= bindparam("now"), _is_asleep(threads.c.send_woken_until))
        .distinct()
        .limit(_MOST)
    )
    for state, since in (
        (ReplyState.SENDING, replies.c.claimed_until),
        (ReplyState.UNCERTAIN, replies.c.claimed_until),
        (ReplyState.PENDING, replies.c.not_before),
    )
]


@dataclass(frozen=True, slots=True)
class Woken:
    """A conversation that is written, and woken until a moment with that."""

    thread: Thread
    until: datetime


class People:
    """Customers by their number at TikTok."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def seen(self, people: Sequence[User]) -> None:
        """Note that customers wrote; an older sighting changes nothing, and an opt-out stays."""
        await self._session.write(SEEN, sorted(people, key=lambda each: each.tiktok_id))

    async def get(self, tiktok_id: str) -> User | None:
        """Return one customer, or None."""
        rows = await self._session.rows(_USER, tiktok_id=tiktok_id)
        return made(User, rows[0]) if rows else None

    async def locked(self, tiktok_ids: Collection[str]) -> dict[str, User]:
        """Return customers by their number, locked in order."""
        rows = await self._session.read(_LOCK_USERS, sorted(set(tiktok_ids)))
        return {row[0]: made(User, row) for row in rows}

    async def named(self, tiktok_ids: Collection[str]) -> dict[str, User]:
        """Return customers by their number."""
        rows = await self._session.read(_USERS, sorted(set(tiktok_ids)))
        return {row[0]: made(User, row) for row in rows}

    async def opt(self, tiktok_id: str, *, out_at: datetime | None) -> None:
        """Note that a customer wants no more messages, or wants them again (`out_at` is None)."""
        await self._session.execute(users.update().where(users.c.tiktok_id == tiktok_id).values(opted_out_at=out_at))

    async def forget(self, tiktok_ids: Collection[str]) -> int:
        """Delete customers; what they ordered stays under their number alone."""
        met = 0
        for chunk in chunks(sorted(set(tiktok_ids))):
            met += (await self._session.execute(users.delete().where(users.c.tiktok_id.in_(chunk)))).rowcount
        return met


class Threads:
    """Conversations by TikTok's id."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def opened(self, new: Thread) -> Thread:
        """Store a conversation unless it is known; return what is stored, locked until the transaction ends."""
        return (await self.opened_all([new]))[new.conversation_id]

    async def opened_all(self, new: Sequence[Thread], *others: str) -> dict[str, Thread]:
        """Store conversations unless they are known; return what is stored of them and of others, locked in order."""
        wanted = sorted({*others, *(each.conversation_id for each in new)})
        found = await self.locked(wanted)
        missing = [each for each in new if each.conversation_id not in found]
        if missing:
            await self._session.write(OPEN, sorted(missing, key=lambda each: each.conversation_id))
            found |= await self.locked([each.conversation_id for each in missing])
        return found

    async def locked(self, conversation_ids: Collection[str]) -> dict[str, Thread]:
        """Return the conversations that are known, locked in order."""
        rows = await self._session.read(_LOCK_MANY, sorted(set(conversation_ids)))
        return {row[0]: made(Thread, row) for row in rows}

    async def get(self, conversation_id: str, *, for_update: bool = False) -> Thread | None:
        """Return one conversation, or None."""
        rows = await self._session.rows(_LOCK if for_update else _GET, conversation=conversation_id)
        return made(Thread, rows[0]) if rows else None

    async def save(self, thread: Thread) -> None:
        """Write a conversation that was found under lock."""
        await self._session.run(_SAVE, **new_values_of(thread, by="conversation_id", leave_out=_FIXED))

    async def save_and_wake(self, thread: Thread, until: datetime | None, *, to_send: bool = False) -> None:
        """Write a conversation that was found under lock, and note that it was woken."""
        values = new_values_of(thread, by="conversation_id", leave_out=_FIXED)
        await self._session.run(_WOKEN["send_woken_until" if to_send else "woken_until"], until=until, **values)

    async def save_all(
        self, changed: Sequence[Thread], to_answer: Mapping[str, datetime], to_send: Mapping[str, datetime]
    ) -> None:
        """Write conversations that were found under lock, and note until when some of them were woken, and for what."""
        in_order = sorted(changed, key=lambda each: each.conversation_id)
        left = [each for each in in_order if each.conversation_id not in to_answer.keys() | to_send.keys()]
        await self._session.write(_SAVE_MANY, left)
        for name, woken in zip(_WAKING, (to_answer, to_send), strict=True):
            here = [each for each in in_order if each.conversation_id in woken]
            await self._session.write(_WAKE_MANY[name], [Woken(each, woken[each.conversation_id]) for each in here])

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Return conversations in which something waits to be answered and that nobody woke lately, oldest first."""
        return [row[0] for row in await self._session.rows(_DUE, now=now, most=limit)]

    async def due_to_send(self, now: datetime, limit: int) -> list[str]:
        """Return conversations in which a reply may be sent now, was left by one who died, or is to be asked about."""
        found = [row[0] for each in _DUE_TO_SEND for row in await self._session.rows(each, now=now, most=limit)]
        return list(dict.fromkeys(found))[:limit]

    async def wake(self, conversation_ids: Collection[str], until: datetime | None, *, to_send: bool = False) -> None:
        """Note that conversations were woken, to answer or to send; with None, that they may be woken at any time."""
        noted = _NOTED["send_woken_until" if to_send else "woken_until"]
        await self._session.change(noted, sorted(set(conversation_ids)), until=until)

    async def handed_back(self, now: datetime, limit: int) -> list[str]:
        """Return conversations whose hand-over to a person has run out."""
        over = select(threads.c.conversation_id).where(
            threads.c.handoff == Handoff.HUMAN, threads.c.handoff_until <= now
        )
        rows = await self._session.execute(over.order_by(threads.c.handoff_until).limit(limit))
        return list(rows.scalars())

    async def of_user(self, user_id: str) -> list[Thread]:
        """Return a customer's conversations, the one written to last first."""
        return await self._read(_all().where(threads.c.user_id == user_id).order_by(threads.c.last_inbound_at.desc()))

    async def listed(
        self, *, limit: int, skip: int = 0, handoff: Handoff | None = None, business_id: str | None = None
    ) -> list[Thread]:
        """Return a page of conversations, the one written to last first."""
        matching = _equal(handoff=handoff, business_id=business_id)
        newest = _all().where(*matching).order_by(threads.c.last_inbound_at.desc(), threads.c.conversation_id)
        return await self._read(newest.limit(limit).offset(skip))

    async def count(self, *, handoff: Handoff | None = None, business_id: str | None = None) -> int:
        """Return how many conversations there are."""
        matching = _equal(handoff=handoff, business_id=business_id)
        counted = select(func.count()).select_from(threads).where(*matching)
        return int((await self._session.execute(counted)).scalar_one())

    async def _read(self, query: Select[Any]) -> list[Thread]:
        return [record_of(Thread, row) for row in await self._session.execute(query)]


def _all() -> Select[Any]:
    return selected(Thread)


def _equal(**values: str | None) -> list[ColumnElement[bool]]:
    return [threads.c[name] == value for name, value in values.items() if value is not None]
