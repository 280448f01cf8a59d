"""What is for sale: listed, shown with its hold, and set by hand."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field, model_validator

from persistence.uow import Transaction, Uow
from publishers.admin.desk import (
    UNSAID,
    Body,
    Changer,
    Desk,
    Listed,
    Paging,
    Printable,
    Reader,
    Words,
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
from schemas.replies.stock import MEASURES, Category, ItemStatus, StockView, Tier

RESOURCE: Final = "stock"
#: Nothing in such a shop costs more; a zero too many is seen here.
_DEAREST: Final = 10_000_000

Sku = Annotated[str, Path(min_length=1, max_length=100)]


class PieceShown(BaseModel):
    """One piece; `status` is what anybody else than the holder is told, `stored_status` what no hold changes.

    `measures` are in inches and in the sizes that its columns are named after.
    """

    sku: str
    name: str
    description: str | None
    category: Category
    tier: Tier
    brand: str | None
    price_kes: int
    negotiable: bool
    tag_size: str
    measures: dict[str, float]
    fit_notes: str
    status: ItemStatus
    stored_status: ItemStatus
    held_by: str | None
    held_until: datetime | None
    image_url: str | None
    version: int
    created_at: datetime
    updated_at: datetime


class StockPaging(Paging):
    """Which part of the list, and of which stored status."""

    status: ItemStatus | None = None


class PieceChange(Body):
    """What may be changed by hand; `status` sold or reserved gives a hold up. A file changes everything else."""

    status: ItemStatus = UNSAID
    name: Annotated[str, line(255), Printable] = UNSAID
    description: Words | None = None
    price_kes: int = Field(UNSAID, ge=0, le=_DEAREST)
    negotiable: bool = UNSAID
    tag_size: Annotated[str, line(50), Printable] = UNSAID
    fit_notes: Words = UNSAID

    @model_validator(mode="after")
    def _says_something(self) -> "PieceChange":
        if not self.model_fields_set:
            raise ValueError("says nothing to change")
        return self


@dataclass(frozen=True, slots=True)
class Storekeeper:
    """Somebody who sets pieces by hand, by HTTP or on the command line."""

    uow: Uow
    clock: Clock
    person: Person

    async def set(self, sku: str, change: PieceChange) -> StockView:
        """Change a piece; raises the 409 of one that an order has, where its status is to change."""
        values = change.model_dump(exclude_unset=True)
        sku = sku.strip().upper()

        async def work(tx: Transaction) -> StockView:
            now = whole_milliseconds(self.clock())
            there(await tx.stock.find(sku, now), "piece", sku)
            said = {name: value for name, value in values.items() if name != "status"}
            if "status" in values and not await tx.stock.mark(sku, values["status"], now):
                raise conflict("An order has this piece; move the order instead", sku=sku)
            if said:
                view = there(await tx.stock.find(sku, now), "piece", sku)
                await tx.stock.put([replace(view.item, **said, updated_at=now)])
            await remember(tx, self.person, "set", RESOURCE, sku, **values)
            return there(await tx.stock.find(sku, now), "piece", sku)

        return await in_turn(self.uow, work)


def stock(desk: Desk) -> APIRouter:
    """Return the routes of pieces."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_stock(page: Annotated[StockPaging, Query()], _: Reader) -> Listed[PieceShown]:
        """List pieces in order of SKU."""
        async with desk.uow() as tx:
            found = await tx.stock.listed(desk.clock(), skip=page.skip, limit=page.limit, status=page.status)
            total = await tx.stock.count(page.status)
        return listed([piece_shown(each) for each in found], total, page)

    @router.get("/{sku}", responses=says(404))
    async def read_piece(sku: Sku, _: Reader) -> PieceShown:
        """Show one piece, with the hold that is live on it."""
        async with desk.uow() as tx:
            return piece_shown(there(await tx.stock.find(sku, desk.clock()), "piece", sku))

    @router.put("/{sku}", responses=says(404, 409))
    async def set_piece(sku: Sku, change: PieceChange, person: Changer) -> PieceShown:
        """Change a piece; what is not sent stays. 409 where an order has it and its status is to change."""
        return piece_shown(await Storekeeper(desk.uow, desk.clock, person).set(sku, change))

    return router


def piece_shown(view: StockView) -> PieceShown:
    """Return a piece as it is told."""
    item, hold = view.item, view.hold
    plain: dict[str, Any] = {name: getattr(item, name) for name in PieceShown.model_fields if hasattr(item, name)}
    measures = {name: float(value) for name in MEASURES if (value := getattr(item, name)) is not None}
    return PieceShown(
        **plain
        | {
            "measures": measures,
            "status": view.status_for(None),
            "stored_status": item.status,
            "held_by": hold.user_id if hold else None,
            "held_until": hold.expires_at if hold else None,
        }
    )
