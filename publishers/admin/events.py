"""Events: looked for, told whole, sent again or called off."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from persistence.uow import Transaction, Uow
from publishers.admin.asked import EventsAsked, OneCancelAsked, OneReplayAsked, continued
from publishers.admin.desk import Changer, Desk, Listed, Number, Reader, check_may_reveal, remember, says, there
from publishers.admin.people import Person
from publishers.admin.repair import CANCELLABLE, Repair, Repaired
from publishers.admin.truth import EventShown, EventTruth, event_shown, truth
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.relay.records import EventStatus, MarketingEvent
from schemas.relay.selection import DeliverySelection

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
        return await Hands(desk.uow, desk.clock, person).replay(number, desk.horizons, asked or OneReplayAsked())

    @router.post("/{number}/cancel", responses=says(404))
    async def cancel_event(number: Number, person: Changer, asked: OneCancelAsked | None = None) -> Repaired:
        """Never send what still waits of it; an event that is held stays where it is, for good."""
        return await Hands(desk.uow, desk.clock, person).cancel(number, asked.reason if asked else "")

    @router.post("/{number}/forget", responses=says(404))
    async def forget_event(number: Number, person: Changer) -> Repaired:
        """Drop what the producer sent and what was said of it to destinations; what still waits is never sent.

        That there was such an event, and what became of it, stays. What destinations have is theirs to forget.
        """
        return await Hands(desk.uow, desk.clock, person).forget(number)

    return router


@dataclass(frozen=True, slots=True)
class Hands:
    """Somebody who repairs single events, by HTTP or on the command line."""

    uow: Uow
    clock: Clock
    person: Person

    async def replay(self, number: int, horizons: Mapping[str, timedelta], asked: OneReplayAsked) -> Repaired:
        """Send one event again, or have it looked at again where it came to an end without a delivery."""
        async with self.uow() as tx:
            found = there(await tx.events.get(number), "event", number)
            is_changed = await _reopen(tx, found, whole_milliseconds(self.clock()))
            await remember(tx, self.person, "replay", RESOURCE, number, states=list(asked.states))
        if is_changed:
            return Repaired(matched=1, changed=1)
        ended = DeliverySelection(event=number, states=asked.states, is_certain=not asked.uncertain)
        return await Repair(uow=self.uow, clock=self.clock, selection=ended).replay(horizons)

    async def cancel(self, number: int, reason: str) -> Repaired:
        """Never send one event where it still waits, or end it where it is held."""
        reason = reason or f"cancelled by {self.person.name}"
        async with self.uow() as tx:
            there(await tx.events.get(number), "event", number)
            is_changed = await _call_off(tx, number, reason, whole_milliseconds(self.clock()))
            await remember(tx, self.person, "cancel", RESOURCE, number, reason=reason)
        if is_changed:
            return Repaired(matched=1, changed=1)
        waiting = DeliverySelection(event=number, states=tuple(sorted(CANCELLABLE)))
        return await Repair(uow=self.uow, clock=self.clock, selection=waiting).cancel(reason)

    async def forget(self, number: int) -> Repaired:
        """Drop one event's content everywhere here, after calling off what still waits of it."""
        done = await self.cancel(number, "its content was forgotten")
        async with self.uow() as tx:
            await tx.events.forget(number, whole_milliseconds(self.clock()))
            await tx.attempts.forget(number)
            await remember(tx, self.person, "forget", RESOURCE, number)
        return done


async def _reopen(tx: Transaction, event: MarketingEvent, now: datetime) -> bool:
    """Let an event that came to an end without a delivery be looked at again; the poller does the rest."""
    assert event.id
    if event.status not in _OVER or await tx.event_deliveries.of_event(event.id):
        return False
    status = EventStatus.HELD if event.identity else EventStatus.PENDING
    await tx.events.save([replace(event, status=status, error_message=None, processed_at=None, updated_at=now)])
    return True


async def _call_off(tx: Transaction, number: int, reason: str, now: datetime) -> bool:
    """End an event that has no deliveries yet, under lock: whoever takes up held events finds it gone."""
    held = await tx.events.take([number])
    ended = [
        replace(each, status=EventStatus.CANCELLED, error_message=reason, processed_at=now, updated_at=now)
        for each in held
    ]
    await tx.events.save(ended)
    return bool(ended)
