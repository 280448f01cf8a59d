"""Customers and the conversations with them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select

from persistence.dialect import Bulk, paths_of
from persistence.replies.rows import new_values_of, record_of, selected, update_of
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
_SAVE: Final = update_of(Thread, by="conversation_id", leave_out=_FIXED)
OPEN: Final = Bulk(table=threads, paths=paths_of(threads, leave_out=_WAKING), key=("conversation_id",))


class People:
    """Customers by their number at TikTok."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def seen(self, people: Sequence[User]) -> None:
        """Note that customers wrote; an older sighting changes nothing, and an opt-out stays."""
        await self._session.write(SEEN, sorted(people, key=lambda each: each.tiktok_id))

    async def get(self, tiktok_id: str, *, for_update: bool = False) -> User | None:
        """Return one customer, or None."""
        query = selected(User).where(users.c.tiktok_id == tiktok_id)
        row = (await self._session.execute(query.with_for_update() if for_update else query)).first()
        return record_of(User, row) if row is not None else None

    async def named(self, tiktok_ids: Collection[str]) -> dict[str, User]:
        """Return customers by their number."""
        found: dict[str, User] = {}
        for chunk in chunks(sorted(set(tiktok_ids))):
            rows = await self._session.execute(selected(User).where(users.c.tiktok_id.in_(chunk)))
            found |= {row.tiktok_id: record_of(User, row) for row in rows}
        return found

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
        await self._session.write(OPEN, [new])
        found = await self.get(new.conversation_id, for_update=True)
        assert found
        return found

    async def get(self, conversation_id: str, *, for_update: bool = False) -> Thread | None:
        """Return one conversation, or None."""
        query = _all().where(threads.c.conversation_id == conversation_id)
        found = await self._read(query.with_for_update() if for_update else query)
        return found[0] if found else None

    async def save(self, thread: Thread) -> None:
        """Write a conversation that was found under lock."""
        await self._session.execute(_SAVE, new_values_of(thread, by="conversation_id", leave_out=_FIXED))

    async def due(self, now: datetime, limit: int) -> list[str]:
        """Return conversations in which something waits to be answered and that nobody woke lately, oldest first."""
        due = select(threads.c.conversation_id).where(
            threads.c.answer_at <= now, threads.c.handoff == Handoff.BOT, _is_asleep(threads.c.woken_until, now)
        )
        rows = await self._session.execute(due.order_by(threads.c.answer_at).limit(limit))
        return list(rows.scalars())

    async def due_to_send(self, now: datetime, limit: int) -> list[str]:
        """Return conversations in which a reply may be sent now, was left by one who died, or is to be asked about."""
        ready = (replies.c.state == ReplyState.PENDING, replies.c.not_before <= now)
        left = (replies.c.state == ReplyState.SENDING, replies.c.claimed_until <= now)
        doubtful = (replies.c.state == ReplyState.UNCERTAIN, replies.c.claimed_until <= now)
        found: list[str] = []
        for is_due in (left, doubtful, ready):  # one after the other: together they would read no index
            due = (
                select(replies.c.conversation_id)
                .join(threads, threads.c.conversation_id == replies.c.conversation_id)
                .where(*is_due, _is_asleep(threads.c.send_woken_until, now))
            )
            rows = await self._session.execute(due.distinct().limit(limit))
            found += rows.scalars()
        return list(dict.fromkeys(found))[:limit]

    async def wake(self, conversation_ids: Collection[str], until: datetime | None, *, to_send: bool = False) -> None:
        """Note that conversations were woken, to answer or to send; with None, that they may be woken at any time."""
        column = "send_woken_until" if to_send else "woken_until"
        for chunk in chunks(sorted(set(conversation_ids))):
            await self._session.execute(
                threads.update().where(threads.c.conversation_id.in_(chunk)).values({column: until})
            )

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


def _is_asleep(column: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= now)
