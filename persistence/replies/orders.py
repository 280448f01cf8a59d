"""Orders: made from live holds in one transaction, moved by operators alone, told to the customer who made them."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, func, select

from persistence.replies.holds import end_hold, live_holds, lock_item, lock_user
from persistence.replies.rows import columns_of, number_of, record_of, values_of
from persistence.session import Session
from persistence.tables import inventory, order_items, order_status_history, orders
from schemas.replies.stock import (
    MOVES,
    HoldState,
    Item,
    ItemStatus,
    Moved,
    Order,
    OrderItem,
    OrderStatus,
    OrderView,
    StatusChange,
)

#: Without letters and digits that are taken for each other (https://www.crockford.com/base32.html).
_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Forty bits: nobody finds another's order by trying.
_CODE_LENGTH: Final = 8
CURRENCY: Final = "KES"
#: How long an order waits to be paid.
PAY_WITHIN: Final = timedelta(hours=24)
#: What becomes of a piece when its order is moved there; a shipped one stays sold.
_ITEM_STATUS: Final = {OrderStatus.PAID: ItemStatus.SOLD, OrderStatus.CANCELLED: ItemStatus.AVAILABLE}


def new_code() -> str:
    """Return an order's code: random, so that it tells neither how many there are nor what another's is."""
    return "PT-" + "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))


class Orders:
    """Orders by code and by customer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def from_holds(
        self,
        user_id: str,
        conversation_id: str | None,
        skus: Sequence[str],
        now: datetime,
        *,
        pay_within: timedelta = PAY_WITHIN,
        tiktok_event_id: str | None = None,
    ) -> OrderView | None:
        """Turn a customer's live holds into an order; None, and nothing changed, unless every one is live.

        The pieces stay reserved: first by the hold, from now on by the order.
        """
        await lock_user(self._session, user_id)
        # In one order everywhere, so that two customers with crossing wishes do not wait for each other.
        items = [await lock_item(self._session, sku) for sku in sorted({each.strip().upper() for each in skus})]
        there = [each for each in items if each is not None and each.id is not None]
        numbers = [each.id for each in there if each.id is not None]
        holds = await live_holds(self._session, user_id, numbers, now)
        is_whole = bool(items) and len(holds) == len(items)
        if not is_whole or any(each.status is not ItemStatus.AVAILABLE for each in there):
            return None
        order = await self._add(user_id, conversation_id, there, now, pay_within, tiktok_event_id)
        for each in holds.values():
            await end_hold(self._session, each, HoldState.CONVERTED, now)
        await self._set_items(numbers, ItemStatus.RESERVED, now)
        return await self._viewed(order)

    async def move(
        self, code: str, to: OrderStatus, *, who: str, now: datetime, reason: str | None = None
    ) -> Moved | None:
        """Move an order where its status allows it; None where there is no such order.

        Paid makes its pieces sold, cancelled makes them available again.
        """
        order = await self._locked(orders.c.code == code)
        return await self._move(order, to, who, now, reason) if order else None

    async def lapse(self, now: datetime, limit: int) -> list[Order]:
        """Cancel orders that were not paid in time, and return them."""
        unpaid = select(orders.c.code).where(orders.c.status == OrderStatus.PENDING, orders.c.pay_by <= now)
        codes = list((await self._session.execute(unpaid.order_by(orders.c.pay_by).limit(limit))).scalars())
        lapsed = []
        for code in sorted(codes):
            order = await self._locked(orders.c.code == code)
            if order is None or order.status is not OrderStatus.PENDING or order.pay_by > now:
                continue
            lapsed.append((await self._move(order, OrderStatus.CANCELLED, "mesh", now, "not paid in time")).order)
        return lapsed

    async def get(self, code: str) -> OrderView | None:
        """Return an order, for operators."""
        row = (await self._session.execute(_all().where(orders.c.code == code))).first()
        return await self._viewed(record_of(Order, row)) if row is not None else None

    async def of_user(self, user_id: str, *, code: str | None = None, limit: int = 5) -> list[OrderView]:
        """Return a customer's orders, newest first; another customer's code is as unknown as one that never was."""
        own = _all().where(orders.c.user_id == user_id)
        if code is not None:
            own = own.where(orders.c.code == code.strip().upper())
        rows = (await self._session.execute(own.order_by(orders.c.id.desc()).limit(limit))).all()
        return [await self._viewed(record_of(Order, row)) for row in rows]

    async def listed(self, *, limit: int, skip: int = 0, status: OrderStatus | None = None) -> list[Order]:
        """Return a page of orders, newest first."""
        query = _all() if status is None else _all().where(orders.c.status == status)
        rows = await self._session.execute(query.order_by(orders.c.id.desc()).limit(limit).offset(skip))
        return [record_of(Order, row) for row in rows]

    async def count(self, status: OrderStatus | None = None) -> int:
        """Return how many orders there are."""
        counted = select(func.count()).select_from(orders)
        if status is not None:
            counted = counted.where(orders.c.status == status)
        return int((await self._session.execute(counted)).scalar_one())

    async def history(self, order_id: int) -> list[StatusChange]:
        """Return how an order came to where it is."""
        moves = select(*columns_of(StatusChange)).where(order_status_history.c.order_id == order_id)
        rows = await self._session.execute(moves.order_by(order_status_history.c.id))
        return [record_of(StatusChange, row) for row in rows]

    async def _add(
        self,
        user_id: str,
        conversation_id: str | None,
        items: Sequence[Item],
        now: datetime,
        pay_within: timedelta,
        tiktok_event_id: str | None,
    ) -> Order:
        new = Order(
            code=new_code(),
            user_id=user_id,
            conversation_id=conversation_id,
            status=OrderStatus.PENDING,
            total_amount=sum(each.price_kes for each in items),
            currency=CURRENCY,
            pay_by=now + pay_within,
            created_at=now,
            updated_at=now,
            tiktok_event_id=tiktok_event_id,
        )
        added = await self._session.execute(orders.insert().values(values_of(new)))
        number = number_of(added)
        for each in items:
            assert each.id is not None
            line = OrderItem(
                order_id=number, inventory_id=each.id, live_inventory_id=each.id, price_at_purchase=each.price_kes
            )
            await self._session.execute(order_items.insert().values(values_of(line)))
        await self._note(number, None, OrderStatus.PENDING, user_id, now, None)
        return replace(new, id=number)

    async def _move(self, order: Order, to: OrderStatus, who: str, now: datetime, reason: str | None) -> Moved:
        if to not in MOVES[order.status]:
            return Moved(order, is_allowed=False)
        assert order.id is not None
        await self._session.execute(orders.update().where(orders.c.id == order.id).values(status=to, updated_at=now))
        its = select(order_items.c.inventory_id).where(order_items.c.order_id == order.id)
        numbers = list((await self._session.execute(its.order_by(order_items.c.inventory_id))).scalars())
        if to is OrderStatus.CANCELLED:
            freed = order_items.update().where(order_items.c.order_id == order.id)
            await self._session.execute(freed.values(live_inventory_id=None))
        if to in _ITEM_STATUS:
            await self._set_items(numbers, _ITEM_STATUS[to], now)
        await self._note(order.id, order.status, to, who, now, reason)
        return Moved(replace(order, status=to, updated_at=now), is_allowed=True)

    async def _set_items(self, numbers: Sequence[int], status: ItemStatus, now: datetime) -> None:
        changed = inventory.update().where(inventory.c.id.in_(numbers))
        await self._session.execute(changed.values(status=status, updated_at=now))

    async def _note(
        self,
        order_id: int,
        before: OrderStatus | None,
        to: OrderStatus,
        who: str,
        now: datetime,
        reason: str | None,
    ) -> None:
        change = StatusChange(order_id=order_id, from_status=before, to_status=to, who=who, at=now, reason=reason)
        await self._session.execute(order_status_history.insert().values(values_of(change)))

    async def _locked(self, is_it: Any) -> Order | None:
        row = (await self._session.execute(_all().where(is_it).with_for_update())).first()
        return record_of(Order, row) if row is not None else None

    async def _viewed(self, order: Order) -> OrderView:
        lines = (
            select(*columns_of(Item, prefix="i_"), *columns_of(OrderItem, prefix="l_"))
            .select_from(order_items.join(inventory, inventory.c.id == order_items.c.inventory_id))
            .where(order_items.c.order_id == order.id)
        )
        rows = await self._session.execute(lines.order_by(order_items.c.id))
        pairs = [(record_of(Item, row, prefix="i_"), record_of(OrderItem, row, prefix="l_")) for row in rows]
        return OrderView(order, tuple(pairs))


def _all() -> Select[Any]:
    return select(*columns_of(Order))
