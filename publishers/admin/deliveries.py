"""Deliveries: looked for, told one by one, replayed and cancelled: one, those of a filter, or a storefront's."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from publishers.admin.asked import (
    CancelAsked,
    DeliveriesAsked,
    OneCancelAsked,
    OneReplayAsked,
    ReplayAsked,
    continued,
)
from publishers.admin.desk import Changer, Desk, Listed, Number, Reader, remember, says, there
from publishers.admin.errors import invalid
from publishers.admin.people import Person
from publishers.admin.repair import CANCELLABLE, Repair, Repaired
from publishers.admin.truth import DeliveryTruth, truth
from schemas.relay.privacy import without_addresses
from schemas.relay.records import DeliveryState, DestinationKind
from schemas.relay.selection import DeliverySelection, FoundDelivery

RESOURCE = "deliveries"

#: What is to be sent later than that is not being replayed, it is being planned.
_LATEST_START = timedelta(days=7)


class DeliveryShown(BaseModel):
    """One event on its way to one destination; `event` is the event's row, `event_id` the producer's id."""

    id: int
    event: int
    event_id: str
    event_type: str
    storefront_id: int
    storefront_code: str | None
    destination_id: int
    kind: DestinationKind
    platform_code: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    expires_at: datetime
    downstream_id: str
    reason: str | None
    delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime


def deliveries(desk: Desk) -> APIRouter:
    """Return the routes of deliveries."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())
    _reading(router, desk)
    _repairing(router, desk)
    return router


def _reading(router: APIRouter, desk: Desk) -> None:
    @router.get("")
    async def list_deliveries(asked: Annotated[DeliveriesAsked, Query()], _: Reader) -> Listed[DeliveryShown]:
        """List deliveries."""
        async with desk.uow() as tx:
            found = await tx.search.deliveries(asked.selection, asked.page)
            total = await tx.search.count_deliveries(asked.selection)
        return continued([_shown(each) for each in found], total, asked, found[-1].delivery.id if found else None)

    @router.get("/{number}", responses=says(404))
    async def read_delivery(number: Number, _: Reader) -> DeliveryTruth:
        """Tell all of one delivery, with every attempt."""
        async with desk.uow() as tx:
            found = there(await tx.event_deliveries.get(number), "delivery", number)
            event = there(await tx.events.get(found.event_id), "event", found.event_id)
            whole = await truth(tx, event, desk.clock())
        (told,) = [each for each in whole.deliveries if each.id == number]
        return told


def _repairing(router: APIRouter, desk: Desk) -> None:
    @router.post("/replay")
    async def replay_deliveries(asked: ReplayAsked, person: Changer) -> Repaired:
        """Send deliveries again, `rate` a second; `next_after` continues where there are more than `limit`."""
        if asked.dry_run:
            return await _counted(desk, asked.selection)
        if asked.start and asked.start > desk.clock() + _LATEST_START:
            raise invalid([("body.start", f"is more than {_LATEST_START.days} days ahead")])
        repair = Repair(
            uow=desk.uow,
            clock=desk.clock,
            selection=asked.selection,
            most=asked.limit,
            after=asked.after,
            start=asked.start,
        )
        await _remember(desk, person, "replay", asked)
        return await repair.replay(desk.horizons, asked.rate)

    @router.post("/cancel")
    async def cancel_deliveries(asked: CancelAsked, person: Changer) -> Repaired:
        """Never send deliveries that wait; what is being sent right now is let go on."""
        if asked.dry_run:
            return await _counted(desk, asked.selection)
        repair = Repair(uow=desk.uow, clock=desk.clock, selection=asked.selection, most=asked.limit, after=asked.after)
        await _remember(desk, person, "cancel", asked)
        return await repair.cancel(asked.reason or f"cancelled by {person.name}")

    @router.post("/{number}/replay", responses=says(404))
    async def replay_delivery(number: Number, person: Changer, asked: OneReplayAsked | None = None) -> Repaired:
        """Send one delivery again, under the same downstream id."""
        states = (asked or OneReplayAsked()).states
        await _remember_one(desk, person, "replay", number)
        one = DeliverySelection(numbers=(number,), states=states)
        return await Repair(uow=desk.uow, clock=desk.clock, selection=one).replay(desk.horizons)

    @router.post("/{number}/cancel", responses=says(404))
    async def cancel_delivery(number: Number, person: Changer, asked: OneCancelAsked | None = None) -> Repaired:
        """Never send one delivery, where it still waits."""
        reason = (asked.reason if asked else "") or f"cancelled by {person.name}"
        await _remember_one(desk, person, "cancel", number)
        one = DeliverySelection(numbers=(number,), states=tuple(sorted(CANCELLABLE)))
        return await Repair(uow=desk.uow, clock=desk.clock, selection=one).cancel(reason)


async def _counted(desk: Desk, selection: DeliverySelection) -> Repaired:
    async with desk.uow() as tx:
        return Repaired(matched=await tx.search.count_deliveries(selection), changed=0)


async def _remember(desk: Desk, person: Person, action: str, asked: ReplayAsked | CancelAsked) -> None:
    async with desk.uow() as tx:
        said = asked.model_dump(mode="json", exclude_defaults=True)
        await remember(tx, person, action, RESOURCE, "many", **said)


async def _remember_one(desk: Desk, person: Person, action: str, number: int) -> None:
    async with desk.uow() as tx:
        there(await tx.event_deliveries.get(number), "delivery", number)
        await remember(tx, person, action, RESOURCE, number)


def _shown(found: FoundDelivery) -> DeliveryShown:
    delivery = found.delivery
    assert delivery.id
    return DeliveryShown(
        id=delivery.id,
        event=delivery.event_id,
        event_id=found.event_id,
        event_type=found.event_type,
        storefront_id=found.destination.storefront_id,
        storefront_code=found.storefront_code,
        destination_id=found.destination.id,
        kind=found.destination.kind,
        platform_code=found.destination.platform_code,
        state=delivery.state,
        attempts=delivery.attempts,
        next_attempt_at=delivery.next_attempt_at,
        expires_at=delivery.expires_at,
        downstream_id=delivery.downstream_id,
        reason=without_addresses(delivery.reason) if delivery.reason else None,
        delivered_at=delivery.delivered_at,
        created_at=delivery.created_at,
        updated_at=delivery.updated_at,
    )
