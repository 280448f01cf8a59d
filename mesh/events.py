"""`mesh events`: where an order's events are and what was said of them, and the way back for those that died."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mesh.compose import Composition
from mesh.console import console, print_json, table
from persistence.uow import Transaction
from publishers.admin.asked import OneReplayAsked
from publishers.admin.events import Hands
from publishers.admin.people import Person, Role
from publishers.admin.repair import CANCELLABLE, ENDED, MOST, Repair, Repaired
from publishers.admin.truth import EventTruth, truth
from schemas.clock import utc_now
from schemas.relay.records import DeliveryState, MarketingEvent
from schemas.relay.selection import DeliverySelection, EventSelection, Page
from settings import Settings

T = TypeVar("T")

#: An order has a handful of events in each storefront; a repeated number has no more than this.
_MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the command line names: events, or everything of a storefront, destination, platform or name."""

    names: Sequence[str]
    storefront: str | None
    destination: int | None
    platform: str | None
    event: str | None
    states: Sequence[str]
    is_all: bool = False
    is_certain: bool = False


def show(names: Sequence[str], *, as_json: bool) -> int:
    """Print everything about some events; 1 if there is none."""

    async def told(composition: Composition) -> list[EventTruth]:
        async with composition.database.uow() as tx:
            return [await truth(tx, each, utc_now()) for each in await _named(tx, names)]

    found = asyncio.run(_with(told))
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    elif not found:
        console.print("No such event.")
    else:
        for each in found:
            _print(each)
    return int(not found)


def replay(chosen: Chosen, *, rate: int, is_dry_run: bool) -> None:
    """Send chosen deliveries again, spread over time; what may have been taken only where that is said."""
    states = _states(chosen, ENDED)

    async def one(composition: Composition, hands: Hands, number: int) -> Repaired:
        asked = OneReplayAsked(state=list(states), uncertain=not chosen.is_certain)
        return await hands.replay(number, _horizons(composition), asked)

    async def many(composition: Composition, repair: Repair) -> Repaired:
        return await repair.replay(_horizons(composition), rate)

    _repair("replayed", chosen, states or (DeliveryState.DEAD,), one, many, is_dry_run=is_dry_run)


def cancel(chosen: Chosen, *, reason: str, is_dry_run: bool) -> None:
    """Call off chosen deliveries."""
    why = reason or f"cancelled by {_person().name}"
    states = _states(chosen, CANCELLABLE)

    async def one(_: Composition, hands: Hands, number: int) -> Repaired:
        return await hands.cancel(number, why)

    async def many(_: Composition, repair: Repair) -> Repaired:
        return await repair.cancel(why)

    _repair("cancelled", chosen, states or (DeliveryState.PENDING,), one, many, is_dry_run=is_dry_run)


def forget(names: Sequence[str], *, is_dry_run: bool) -> None:
    """Drop the content of some events; who they were and what became of them stays."""

    async def work(composition: Composition) -> int:
        async with composition.database.uow() as tx:
            found = await _named(tx, names)
        for each in found if not is_dry_run else ():
            await Hands(composition.database.uow, utc_now, _person()).forget(each.id or 0)
        return len(found)

    console.print(f"{asyncio.run(_with(work))} {'would be ' if is_dry_run else ''}forgotten.")


def _repair(
    verb: str,
    chosen: Chosen,
    states: tuple[DeliveryState, ...],
    one: Callable[[Composition, Hands, int], Awaitable[Repaired]],
    many: Callable[[Composition, Repair], Awaitable[Repaired]],
    *,
    is_dry_run: bool,
) -> None:
    async def work(composition: Composition) -> tuple[int, int]:
        if chosen.names:
            return await _each(composition, chosen, one, is_dry_run=is_dry_run)
        selection = await _selection(composition, chosen, states)
        async with composition.database.uow() as tx:
            total = await tx.search.count_deliveries(selection)
            if not is_dry_run:
                about = {"what": {name: value for name, value in _about(chosen).items() if value}}
                await tx.configuration.audit(_person().name, "cli", verb, "deliveries", "many", **about)
        return (total, total) if is_dry_run else await _all(composition, selection, many, verb, total)

    matched, changed = asyncio.run(_with(work))
    if is_dry_run:
        more = " or more" if matched == MOST and not chosen.names else ""
        console.print(f"{matched}{more} would be {verb}.")
        return
    console.print(f"{changed} {verb}." if changed == matched else f"{changed} of {matched} {verb}.")


async def _each(
    composition: Composition,
    chosen: Chosen,
    one: Callable[[Composition, Hands, int], Awaitable[Repaired]],
    *,
    is_dry_run: bool,
) -> tuple[int, int]:
    async with composition.database.uow() as tx:
        found = await _named(tx, chosen.names)
    if chosen.storefront:
        found = [each for each in found if each.storefront_code == chosen.storefront.lower()]
    if chosen.event:
        found = [each for each in found if each.event_type == chosen.event.lower()]
    if is_dry_run:
        return len(found), len(found)
    hands = Hands(composition.database.uow, utc_now, _person())
    done = [await one(composition, hands, each.id) for each in found if each.id]
    return sum(each.matched for each in done), sum(each.changed for each in done)


async def _all(
    composition: Composition,
    selection: DeliverySelection,
    many: Callable[[Composition, Repair], Awaitable[Repaired]],
    verb: str,
    total: int,
) -> tuple[int, int]:
    matched = changed = 0
    with _progress() as progress:
        task = progress.add_task(verb, total=total)
        repair = Repair(
            uow=composition.database.uow,
            clock=utc_now,
            selection=selection,
            told=lambda count: progress.advance(task, count),
        )
        while True:
            done = await many(composition, repair)
            matched, changed = matched + done.matched, changed + done.changed
            if done.next_after is None:
                return matched, changed
            repair = replace(repair, after=done.next_after, start=done.last_at)


async def _selection(composition: Composition, chosen: Chosen, states: tuple[DeliveryState, ...]) -> DeliverySelection:
    storefront_id = None
    if chosen.storefront:
        async with composition.database.uow() as tx:
            shop = await tx.configuration.storefronts.find(storefront_id=chosen.storefront.lower())
        if shop is None:
            raise typer.BadParameter(f"there is no storefront {chosen.storefront}")
        storefront_id = shop.id
    meant = DeliverySelection(
        states=states,
        storefront_id=storefront_id,
        destination_id=chosen.destination,
        platform_code=chosen.platform.lower() if chosen.platform else None,
        event_type=chosen.event.lower() if chosen.event else None,
        is_certain=chosen.is_certain,
    )
    if meant.is_everything and not chosen.is_all:
        raise typer.BadParameter("say which: events, --storefront, --destination, --platform, --event or --all")
    return meant


async def _named(tx: Transaction, names: Sequence[str]) -> list[MarketingEvent]:
    """Return the events of these names: an id as the producer gave it, else an identity, else a row's number."""
    found: dict[int, MarketingEvent] = {}
    for name in names:
        events = await tx.search.events(EventSelection(event_id=name), Page(limit=_MOST_EVENTS))
        events = events or await tx.search.events(EventSelection(identity=name), Page(limit=1))
        if not events and name.isdecimal() and (one := await tx.events.get(int(name))):
            events = [one]
        found |= {each.id: each for each in events if each.id}
    return list(found.values())


async def _with(work: Callable[[Composition], Awaitable[T]]) -> T:
    composition = Composition(Settings(), "events")
    try:
        return await work(composition)
    finally:
        await composition.close()


def _print(told: EventTruth) -> None:
    facts = told.event.model_dump(mode="json", exclude_none=True)
    console.print(table(told.event.identity or f"event {told.event.id}", ["", ""], list(facts.items())))
    for each in told.deliveries:
        where = f"{each.destination.platform_code} ({each.destination.kind})"
        why = each.waits_for or each.reason or ""
        console.print(f"→ {where}: [bold]{each.state}[/] {why}  [dim]delivery {each.id}[/]", soft_wrap=True)
        rows = [
            (one.number, one.status.value, one.http_status_code, one.duration_ms, f"{one.attempted_at:%m-%d %H:%M:%S}",
             one.reason, (one.request or "")[:300] or None, (one.response or "")[:300] or None)
            for one in each.attempts
        ]  # fmt: skip
        if rows:
            columns = ["attempt", "came to", "HTTP", "ms", "at (UTC)", "reason", "said", "answered"]
            console.print(table("", columns, rows))
    if not told.deliveries:
        console.print("No deliveries.", style="dim")


def _states(chosen: Chosen, allowed: frozenset[DeliveryState]) -> tuple[DeliveryState, ...]:
    known = {each.value: each for each in allowed}
    if unknown := [name for name in chosen.states if name.lower() not in known]:
        raise typer.BadParameter(f"{', '.join(unknown)}: here a state is one of {', '.join(sorted(known))}")
    return tuple(known[name.lower()] for name in chosen.states)


def _about(chosen: Chosen) -> dict[str, object]:
    return {name: getattr(chosen, name) for name in ("storefront", "destination", "platform", "event", "states")}


def _person() -> Person:
    return Person(getpass.getuser(), frozenset({Role.ADMIN}))


def _horizons(composition: Composition) -> dict[str, timedelta]:
    return {code: adapter.limits.horizon for code, adapter in composition.adapters.items()}


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
