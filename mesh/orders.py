"""`mesh orders`: what customers ordered, and the way that an order goes."""

from mesh.compose import Composition
from mesh.console import age, console, print_json, table
from mesh.operators import me, plain, run
from publishers.admin.desk import there
from publishers.admin.replies.orders import Clerk, OrderShown, OrderTruth, order_shown, order_truth
from schemas.clock import utc_now
from schemas.replies.stock import OrderStatus

COLUMNS = ["code", "status", "KES", "customer", "made", "to be paid within", "can become"]


def listed(status: OrderStatus | None, *, limit: int, as_json: bool) -> None:
    """Print orders, the newest first."""

    async def read(composition: Composition) -> list[OrderShown]:
        async with composition.database.uow() as tx:
            return [order_shown(each) for each in await tx.orders.listed(limit=limit, status=status)]

    found = run("orders", read)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    console.print(table("Orders", COLUMNS, [_row(each) for each in found]) if found else "No such orders.")


def show(code: str, *, as_json: bool) -> None:
    """Print one order."""

    async def read(composition: Composition) -> OrderTruth:
        async with composition.database.uow() as tx:
            return await order_truth(tx, there(await tx.orders.get(code.strip().upper()), "order", code))

    _print(run("orders", read), as_json=as_json)


def move(code: str, to: OrderStatus, reason: str, *, as_json: bool) -> None:
    """Move an order, and print it."""
    moved = run("orders", lambda composition: Clerk(composition.database.uow, utc_now, me()).move(code, to, reason))
    _print(moved, as_json=as_json)


def _row(each: OrderShown) -> tuple[object, ...]:
    now = utc_now()
    waits = each.status is OrderStatus.PENDING
    left = (age(now, each.pay_by) if each.pay_by > now else "over") if waits else None
    may = ", ".join(each.may_become).lower() or None
    return each.code, each.status.value, each.total_amount, plain(each.user_id), age(each.created_at, now), left, may


def _print(told: OrderTruth, *, as_json: bool) -> None:
    if as_json:
        print_json(told.model_dump(mode="json"))
        return
    console.print(table("Order", COLUMNS, [_row(told)]))
    console.print(table("Pieces", ["sku", "name", "KES"], [(e.sku, plain(e.name), e.price_kes) for e in told.items]))
    moves = [
        (f"{each.at:%m-%d %H:%M}", each.to_status.value, plain(each.who), plain(each.reason or "") or None)
        for each in told.history
    ]
    console.print(table("Moves", ["at (UTC)", "to", "who", "why"], moves))
