"""Destinations: what waits for each, what holds it, and letting go on what was paused."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from persistence.uow import Transaction
from publishers.admin.desk import (
    Changer,
    Desk,
    Listed,
    Number,
    Paging,
    Reader,
    RowNumber,
    listed,
    remember,
    says,
    there,
)
from schemas.relay.records import DestinationKind, DestinationView

RESOURCE = "destinations"


class DestinationShown(BaseModel):
    """A destination; `held_by` is the kill switch that is off, and it waits as well while it is paused."""

    id: int
    storefront_id: int
    storefront_code: str | None
    kind: DestinationKind
    platform_code: str
    sgtm_config_id: int | None
    credential_id: int | None
    held_by: str | None
    paused_until: datetime | None
    paused_reason: str | None
    failures: int
    pending: int = 0
    sending: int = 0
    dead: int = 0


class DestinationPaging(Paging):
    """Which part of the list, whose, and of which platform."""

    storefront_id: RowNumber | None = None
    platform_code: str | None = None


def destinations(desk: Desk) -> APIRouter:
    """Return the routes of destinations."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_destinations(page: Annotated[DestinationPaging, Query()], _: Reader) -> Listed[DestinationShown]:
        """List where deliveries go, with how many wait, are being sent, and are dead."""
        equal = page.model_dump(include={"storefront_id", "platform_code"})
        async with desk.uow() as tx:
            views, total = await tx.destinations.listed(skip=page.skip, limit=page.limit, **equal)
            return listed(await _counted(tx, views), total, page)

    @router.get("/{number}", responses=says(404))
    async def read_destination(number: Number, _: Reader) -> DestinationShown:
        """Show one destination."""
        async with desk.uow() as tx:
            (told,) = await _counted(tx, [there(await tx.destinations.get(number), "destination", number)])
        return told

    @router.post("/{number}/resume", responses=says(404))
    async def resume_destination(number: Number, person: Changer) -> DestinationShown:
        """Let go on what was paused, by its platform's refusal or by failures in a row."""
        async with desk.uow() as tx:
            there(await tx.destinations.get(number), "destination", number)
            await tx.destinations.resume(number)
            await remember(tx, person, "resume", RESOURCE, number)
            (told,) = await _counted(tx, [there(await tx.destinations.get(number), "destination", number)])
        return told

    return router


def destination_shown(view: DestinationView) -> DestinationShown:
    """Return a destination as it is told."""
    plain = {
        name: getattr(view.destination, name)
        for name in DestinationShown.model_fields
        if hasattr(view.destination, name)
    }
    code = view.storefront.storefront_id if view.storefront else None
    return DestinationShown(**plain, storefront_code=code, held_by=view.switched_off)


async def _counted(tx: Transaction, views: list[DestinationView]) -> list[DestinationShown]:
    counts: dict[int, dict[str, int]] = {}
    for number, state, count in await tx.event_deliveries.counts([view.destination.id for view in views]):
        counts.setdefault(number, {})[state.value] = count
    return [destination_shown(view).model_copy(update=counts.get(view.destination.id, {})) for view in views]
