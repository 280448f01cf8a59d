"""`mesh topology`: what the broker holds against what the code declares."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from brokers import declare, topology
from brokers.plan import State, Step, Topology
from brokers.verdict import Unavailable
from mesh.compose import Composition, management_of
from mesh.console import console, notes, print_json, table
from settings import Settings

T = TypeVar("T")


def plan(*, as_json: bool) -> int:
    """Print what `apply` would do; return 1 if that is anything."""
    settings = Settings()
    steps = asyncio.run(_with_topology(settings, lambda declared: _planned(declared, settings)))
    changes = [step for step in steps if step.state is not State.EQUAL]
    if as_json:
        print_json([{**asdict(step), "action": step.action} for step in steps])
    elif changes:
        console.print(_table("What `mesh topology apply` would do", changes))
    else:
        console.print(f"The broker holds what the code declares: {len(steps)} exchanges and queues.")
    return int(bool(changes))


def apply(*, prune: bool) -> None:
    """Create what is missing and say so. Raises Refused where messages would be lost."""
    settings = Settings()
    steps = asyncio.run(_with_topology(settings, lambda declared: _applied(declared, settings, prune=prune)))
    if steps:
        console.print(_table("Done", steps))
    else:
        console.print("Nothing to do: the broker holds what the code declares.")


async def _planned(declared: Topology, settings: Settings) -> list[Step]:
    return await declared.plan() + declared.undeclared(await _found(settings))


async def _applied(declared: Topology, settings: Settings, *, prune: bool) -> list[Step]:
    steps = await declared.apply()
    return steps + await declared.prune(declared.undeclared(await _found(settings))) if prune else steps


async def _found(settings: Settings) -> dict[str, int]:
    """Return the messages of every queue there is, as far as the management API can be asked."""
    management = management_of(settings)
    if management is None:
        notes.print("Queues that nobody declares are only found with MESH_BROKER_MANAGEMENT_URL.", style="dim")
        return {}
    try:
        return await management.messages()
    except Unavailable as error:
        notes.print(f"Queues that nobody declares were not looked for: {error}", style="yellow")
        return {}


async def _with_topology(settings: Settings, work: Callable[[Topology], Awaitable[T]]) -> T:
    link = Composition(settings, "topology").link("topology")
    try:
        return await work(Topology(link, declare.whole(topology.DOMAINS, topology.QUEUES)))
    finally:
        await link.close()


def _table(title: str, steps: list[Step]) -> object:
    rows = [(step.name, step.kind, step.state.value, step.messages, step.action) for step in steps]
    return table(title, ["name", "kind", "state", "messages", "action"], rows)
