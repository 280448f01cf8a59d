"""Pieces kept for customers: one customer a piece, few pieces a customer, until a moment that needs nobody to come.

Locks are taken in one order everywhere: customer, order, piece, hold.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, exists, func, select

from brokers.verdict import Reject
from persistence.dialect import Bulk, paths_of
from persistence.replies.rows import columns_of, number_of, record_of, values_of
from persistence.session import Session
from persistence.tables import inventory, reservations, threads, users, waiting_list
from schemas.replies.records import Handoff
from schemas.replies.stock import (
    Hold,
    HoldOutcome,
    HoldState,
    HoldTerms,
    Item,
    ItemStatus,
    NotHeld,
    Waiting,
)
from schemas.replies.window import MARGIN, QUOTA_OF_MOST, WINDOW

WAIT: Final = Bulk(
    table=waiting_list,
    paths=paths_of(waiting_list, leave_out=("id",)),
    key=("inventory_id", "user_id"),
    replace=("notified_at", "conversation_id"),
)


class Holds:
    """Holds by piece and by customer, and who waits for a piece."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def hold(
        self, user_id: str, conversation_id: str | None, sku: str, now: datetime, terms: HoldTerms | None = None
    ) -> HoldOutcome:
        """Keep a piece for a customer, or say why not; asked again it is the same hold with the same end.

        Raises Reject for a customer who never wrote.
        """
        terms = terms or HoldTerms()
        await lock_user(self._session, user_id)
        item = await lock_item(self._session, sku)
        if item is None:
            return HoldOutcome(None, refused=NotHeld.UNKNOWN)
        held = await self._live_on(item, now)
        if held is not None and held.user_id == user_id and item.status is ItemStatus.AVAILABLE:
            return HoldOutcome(item, held)
        refused = await self._obstacle(item, held, user_id, now, terms)
        if refused is not None:
            return HoldOutcome(item, refused=refused)
        return HoldOutcome(item, await self._add(item, user_id, conversation_id, now, terms), is_new=True)

    async def release(self, user_id: str, sku: str, now: datetime) -> Hold | None:
        """Give a customer's hold up, and return it; None where the customer has none on that piece."""
        await lock_user(self._session, user_id)
        item = await lock_item(self._session, sku)
        held = await self._live_on(item, now) if item else None
        if held is None or held.user_id != user_id:
            return None
        await end_hold(self._session, held, HoldState.RELEASED, now)
        return replace(held, state=HoldState.RELEASED, updated_at=now)

    async def of_user(self, user_id: str, now: datetime) -> list[tuple[Hold, Item]]:
        """Return what is kept for a customer, soonest to end first."""
        live = select(*columns_of(Hold, prefix="h_"), *columns_of(Item, prefix="i_")).join(
            inventory, inventory.c.id == reservations.c.held_inventory_id
        )
        live = live.where(
            reservations.c.user_id == user_id,
            reservations.c.state == HoldState.HELD,
            reservations.c.expires_at > now,
        )
        rows = await self._session.execute(live.order_by(reservations.c.expires_at, reservations.c.id))
        return [(record_of(Hold, row, prefix="h_"), record_of(Item, row, prefix="i_")) for row in rows]

    async def expire(self, now: datetime, limit: int) -> list[Hold]:
        """Write down that holds have ended, and return them; they had ended before anybody wrote it."""
        over = _all().where(reservations.c.state == HoldState.HELD, reservations.c.expires_at <= now)
        page = over.order_by(reservations.c.expires_at).limit(limit).with_for_update(skip_locked=True)
        ended = await self._read(page)
        for each in ended:
            await end_hold(self._session, each, HoldState.EXPIRED, now)
        return ended

    async def wait(self, waiting: Waiting) -> None:
        """Put a customer on the list of those who want a piece; asked again, the place in the line stays."""
        await self._session.write(WAIT, [waiting])

    async def in_line(self, number: int) -> Waiting | None:
        """Return somebody who waits, locked; None where that one has been told."""
        theirs = select(*columns_of(Waiting)).where(waiting_list.c.id == number, waiting_list.c.notified_at.is_(None))
        row = (await self._session.execute(theirs.with_for_update())).first()
        return record_of(Waiting, row) if row is not None else None

    async def notified(self, waiting: Waiting, now: datetime) -> None:
        """Note that a customer was told, which happens once."""
        told = waiting_list.update().where(waiting_list.c.id == waiting.id)
        await self._session.execute(told.values(notified_at=now))

    async def to_tell(self, now: datetime, *, head_start: timedelta, limit: int) -> list[Waiting]:
        """Return who is to be told that a piece is free: for each piece the first in line who can be written to.

        Who was told has a head start before the next one is. Whom TikTok lets nobody write to now keeps the place.
        """
        is_held = exists().where(reservations.c.held_inventory_id == inventory.c.id, reservations.c.expires_at > now)
        told = waiting_list.alias()
        is_offered = exists().where(told.c.inventory_id == inventory.c.id, told.c.notified_at > now - head_start)
        line = (
            select(*columns_of(Waiting))
            .join(inventory, inventory.c.id == waiting_list.c.inventory_id)
            .join(threads, threads.c.conversation_id == waiting_list.c.conversation_id)
            .join(users, users.c.tiktok_id == waiting_list.c.user_id)
            .where(waiting_list.c.notified_at.is_(None), inventory.c.status == ItemStatus.AVAILABLE)
            .where(~is_held, ~is_offered, users.c.opted_out_at.is_(None))
            .where(threads.c.last_inbound_at >= now - WINDOW + MARGIN, threads.c.window_sent_count < QUOTA_OF_MOST)
            .where(threads.c.handoff == Handoff.BOT)
        )
        rows = await self._session.execute(line.order_by(waiting_list.c.id).limit(limit))
        first: dict[int, Waiting] = {}
        for each in (record_of(Waiting, row) for row in rows):
            first.setdefault(each.inventory_id, each)
        return list(first.values())

    async def _live_on(self, item: Item, now: datetime) -> Hold | None:
        """Return the live hold on a locked piece; one that has run out gives its place up here and now."""
        found = await self._read(_all().where(reservations.c.held_inventory_id == item.id).with_for_update())
        if not found:
            return None
        if found[0].is_live(now):
            return found[0]
        await end_hold(self._session, found[0], HoldState.EXPIRED, now)
        return None

    async def _obstacle(
        self, item: Item, held: Hold | None, user_id: str, now: datetime, terms: HoldTerms
    ) -> NotHeld | None:
        if item.status is ItemStatus.SOLD:
            return NotHeld.SOLD
        if item.status is ItemStatus.RESERVED or held is not None:
            return NotHeld.TAKEN
        live = select(func.count()).where(
            reservations.c.user_id == user_id,
            reservations.c.state == HoldState.HELD,
            reservations.c.expires_at > now,
        )
        return NotHeld.TOO_MANY if (await self._session.execute(live)).scalar_one() >= terms.most else None

    async def _add(
        self, item: Item, user_id: str, conversation_id: str | None, now: datetime, terms: HoldTerms
    ) -> Hold:
        assert item.id is not None
        new = Hold(
            inventory_id=item.id,
            user_id=user_id,
            conversation_id=conversation_id,
            state=HoldState.HELD,
            expires_at=now + terms.ttl,
            created_at=now,
            updated_at=now,
        )
        values = {**values_of(new), "held_inventory_id": item.id}
        added = await self._session.execute(reservations.insert().values(values))
        # As it is stored, to the millisecond: who asks again is told the same.
        return (await self._read(_all().where(reservations.c.id == number_of(added))))[0]

    async def _read(self, query: Select[Any]) -> list[Hold]:
        return [record_of(Hold, row) for row in await self._session.execute(query)]


async def lock_user(session: Session, user_id: str) -> None:
    """Let nobody else promise this customer anything until the transaction ends. Raises Reject for a stranger."""
    row = select(users.c.tiktok_id).where(users.c.tiktok_id == user_id).with_for_update()
    if (await session.execute(row)).first() is None:
        raise Reject(f"no customer {user_id!r} has written")


async def lock_item(session: Session, sku: str) -> Item | None:
    """Return a piece, which nobody else can promise until the transaction ends; None where there is none."""
    query = select(*columns_of(Item)).where(inventory.c.sku == sku.strip().upper()).with_for_update()
    row = (await session.execute(query)).first()
    return record_of(Item, row) if row is not None else None


async def live_holds(session: Session, user_id: str, item_numbers: Sequence[int], now: datetime) -> dict[int, Hold]:
    """Return a customer's live holds on some pieces, locked, by piece."""
    query = _all().where(
        reservations.c.held_inventory_id.in_(item_numbers),
        reservations.c.user_id == user_id,
        reservations.c.expires_at > now,
    )
    rows = await session.execute(query.with_for_update())
    return {each.inventory_id: each for each in (record_of(Hold, row) for row in rows)}


async def end_hold(session: Session, hold: Hold, state: HoldState, now: datetime) -> None:
    """End a hold, which frees its piece for another."""
    ended = reservations.update().where(reservations.c.id == hold.id, reservations.c.state == HoldState.HELD)
    await session.execute(ended.values(state=state, held_inventory_id=None, updated_at=now))


def _all() -> Select[Any]:
    return select(*columns_of(Hold))
