"""Events: looked for, told whole, sent again or called off."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from persistence.uow import Transaction
from publishers.admin.asked import EventsAsked, OneCancelAsked, OneReplayAsked, continued
from publishers.admin.desk import Changer, Desk, Listed, Number, Reader, check_may_reveal, remember, says, there
from publishers.admin.people import Person
from publishers.admin.repair import CANCELLABLE, Repair, Repaired
from publishers.admin.truth import EventShown, EventTruth, event_shown, truth
from schemas.relay.records import EventStatus, MarketingEvent
from schemas.relay.selection import DeliverySelection
from schemas.samples.fields import whole_milliseconds

RESOURCE = "events"

_OVER = frozenset({EventStatus.FAILED, EventStatus.CANCELLED})


def events(desk: Desk) -> APIRouter:
    """Return the routes of events."""
    router = APIRouter(prefix=f"/{RESOURCE}", tags=[RESOURCE], responses=says())

    @router.get("")
    async def list_events(asked: Annotated[EventsAsked, Query()], _: Reader) -> Listed[EventShown]:
        """List events. `order_id` is another name for `event_id`: an order has one event for each of its steps."""
        async with desk.uow() as tx:
            found = await tx.search.events(asked.selection, asked.page)
            total = await tx.search.count_events(asked.selection)
        return continued([event_shown(each) for each in found], total, asked, found[-1].id if found else None)

    @router.get("/{number}", responses=says(404))
    async def read_event(number: Number, person: Reader, *, decrypt: bool = False) -> EventTruth:
        """Tell all of one event: how it came in, every delivery, every attempt with what was asked and answered.

        What names people is hidden; `decrypt` shows what the producer sent, to the role secrets, and is remembered.
        """
        async with desk.uow() as tx:
            found = there(await tx.events.get(number), "event", number)
            if decrypt:
                check_may_reveal(person)
                await remember(tx, person, "reveal", RESOURCE, number)
            return await truth(tx, found, desk.clock(), is_clear=decrypt)

    @router.post("/{number}/replay", responses=says(404))
    async def replay_event(number: Number, person: Changer, asked: OneReplayAsked | None = None) -> Repaired:
        """Send again what has not arrived, under the same downstream id; an event without deliveries is read anew."""
        return await replay_one(desk, number, person, asked or OneReplayAsked())

    @router.post("/{number}/cancel", responses=says(404))
    async def cancel_event(number: Number, person: Changer, asked: OneCancelAsked | None = None) -> Repaired:
        """Never send what still waits of it; an event that is held stays where it is, for good."""
        reason = (asked.reason if asked else "") or f"cancelled by {person.name}"
        async with desk.uow() as tx:
            there(await tx.events.get(number), "event", number)
            is_changed = await _call_off(tx, desk, number, reason)
            await remember(tx, person, "cancel", RESOURCE, number, reason=reason)
        if is_changed:
            return Repaired(matched=1, changed=1)
        waiting = DeliverySelection(event=number, states=tuple(sorted(CANCELLABLE)))
        return await Repair(uow=desk.uow, clock=desk.clock, selection=waiting).cancel(reason)

    return router


async def replay_one(desk: Desk, number: int, person: Person, asked: OneReplayAsked) -> Repaired:
    """Send one event again, or have it read again."""
    async with desk.uow() as tx:
        found = there(await tx.events.get(number), "event", number)
        is_changed = await _reopen(tx, desk, found)
        await remember(tx, person, "replay", RESOURCE, number, states=list(asked.states))
    if is_changed:
        return Repaired(matched=1, changed=1)
    ended = DeliverySelection(event=number, states=asked.states)
    return await Repair(uow=desk.uow, clock=desk.clock, selection=ended).replay(desk.horizons)


async def _reopen(tx: Transaction, desk: Desk, event: MarketingEvent) -> bool:
    """Let an event that came to an end without a delivery be looked at again; the poller does the rest."""
    assert event.id
    if event.status not in _OVER or await tx.event_deliveries.of_event(event.id):
        return False
    status = EventStatus.HELD if event.identity else EventStatus.PENDING
    now = whole_milliseconds(desk.clock())
    await tx.events.save([replace(event, status=status, error_message=None, processed_at=None, updated_at=now)])
    return True


async def _call_off(tx: Transaction, desk: Desk, number: int, reason: str) -> bool:
    """End an event that has no deliveries yet, under lock: whoever takes up held events finds it gone."""
    now = whole_milliseconds(desk.clock())
    held = await tx.events.take([number])
    over = {"status": EventStatus.CANCELLED, "error_message": reason, "processed_at": now, "updated_at": now}
    await tx.events.save([replace(each, **over) for each in held])
    return bool(held)
