"""Orders: listed, shown with their history, and moved by people alone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from persistence.uow import Transaction, Uow
from publishers.admin.desk import (
    Body,
    Changer,
    Desk,
    Listed,
    Paging,
    Printable,
    Reader,
    line,
    listed,
    remember,
    says,
    there,
)
from publishers.admin.errors import conflict
from publishers.admin.people import Person
from publishers.admin.replies.insisting import in_turn
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.replies.stock import MOVES, Order, OrderStatus, OrderView, StatusChange

RESOURCE: Final = "orders"

Code = Annotated[str, Path(min_length=1, max_length=16)]


class OrderShown(BaseModel):
    """An order; `may_become` is where it can be moved, `pay_by` when it lapses unpaid."""

    code: str
    user_id: str
    conversation_id: str | None
    status: OrderStatus
    may_become: list[OrderStatus]
    total_amount: int
    currency: str
    pay_by: datetime
    created_at: datetime
    updated_at: datetime


class LineShown(BaseModel):
    """A piece of an order, at the price of that day."""

    sku: str
    name: str
    price_kes: int


class ChangeShown(BaseModel):
    """Who moved an order, when and why."""

    from_status: OrderStatus | None
    to_status: OrderStatus
    who: str
    at: datetime
    reason: str | None


class OrderTruth(OrderShown):
    """An order with its pieces and how it came to where it is."""

    items: list[LineShown]
    history: list[ChangeShown]


class OrdersPaging(Paging):
    """Which part of the list, and of which status."""

    status: OrderStatus | None = None


class Move(Body):
    """Where to move an order, and why."""

    status: OrderStatus
    reason: Annotated[str, line(500, least=0), Printable] = ""


@dataclass(frozen=True, slots=True)
class Clerk:
    """Somebody who moves orders, by HTTP or on the command line."""

    uow: Uow
    clock: Clock
    person: Person

    async def move(self, code: str, to: OrderStatus, reason: str) -> OrderTruth:
        """Move an order; raises the 409 of a move that its status forbids."""
        code = code.strip().upper()

        async def work(tx: Transaction) -> OrderTruth:
            now = whole_milliseconds(self.clock())
            moved = await tx.orders.move(code, to, who=self.person.name, now=now, reason=reason or None)
            order = there(moved, "order", code).order
            if moved is not None and not moved.is_allowed:
                may = sorted(MOVES[order.status])
                raise conflict(f"An order that is {order.status} cannot become {to}", status=order.status, may=may)
            await remember(tx, self.person, "move", RESOURCE, code, status=to, reason=reason)
            return await order_truth(tx, there(await tx.orders.get(code), "order", code))

        return await in_turn(self.uow, work)


def orders(desk: Desk) -> APIRouter:
    """Return the routes of orders."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_orders(page: Annotated[OrdersPaging, Query()], _: Reader) -> Listed[OrderShown]:
        """List orders, the newest first."""
        async with desk.uow() as tx:
            found = await tx.orders.listed(skip=page.skip, limit=page.limit, status=page.status)
            total = await tx.orders.count(page.status)
        return listed([order_shown(each) for each in found], total, page)

    @router.get("/{code}", responses=says(404))
    async def read_order(code: Code, _: Reader) -> OrderTruth:
        """Show one order, its pieces and its history."""
        async with desk.uow() as tx:
            return await order_truth(tx, there(await tx.orders.get(code.strip().upper()), "order", code))

    @router.post("/{code}/move", responses=says(404, 409))
    async def move_order(code: Code, asked: Move, person: Changer) -> OrderTruth:
        """Move an order: paid makes its pieces sold, cancelled makes them available; 409 where that cannot be."""
        return await Clerk(desk.uow, desk.clock, person).move(code, asked.status, asked.reason)

    return router


def order_shown(order: Order) -> OrderShown:
    """Return an order as it is told."""
    plain = {name: getattr(order, name) for name in OrderShown.model_fields if hasattr(order, name)}
    return OrderShown(**plain, may_become=sorted(MOVES[order.status]))


async def order_truth(tx: Transaction, view: OrderView) -> OrderTruth:
    """Return an order with its pieces and its history."""
    assert view.order.id is not None
    history = await tx.orders.history(view.order.id)
    return OrderTruth(
        **order_shown(view.order).model_dump(),
        items=[LineShown(sku=item.sku, name=item.name, price_kes=each.price_at_purchase) for item, each in view.items],
        history=[_change(each) for each in history],
    )


def _change(each: StatusChange) -> ChangeShown:
    return ChangeShown(**{name: getattr(each, name) for name in ChangeShown.model_fields})
