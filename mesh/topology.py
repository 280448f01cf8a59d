"""`mesh topology`: what the broker holds against what the code declares."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

from brokers import declare, topology
from brokers.plan import State, Step, Topology
from mesh.compose import Composition
from mesh.console import console, print_json, table
from settings import Settings

T = TypeVar("T")


def plan(*, as_json: bool) -> int:
    """Print what `apply` would do; return 1 if that is anything."""
    steps = asyncio.run(_with_topology(Settings(), lambda declared: declared.plan()))
    changes = [step for step in steps if step.state is not State.EQUAL]
    if as_json:
        print_json([{**asdict(step), "action": step.action} for step in steps])
    elif changes:
        console.print(_table("What `mesh topology apply` would do", changes))
    else:
        console.print(f"The broker holds what the code declares: {len(steps)} exchanges and queues.")
    return int(bool(changes))


def apply() -> None:
    """Create what is missing and say so. Raises Refused where messages would be lost."""
    steps = asyncio.run(applied(Settings()))
    if steps:
        console.print(_table("Done", steps))
    else:
        console.print("Nothing to do: the broker holds what the code declares.")


async def applied(settings: Settings) -> list[Step]:
    """Apply the topology page to the configured broker; return the steps taken."""
    return await _with_topology(settings, lambda declared: declared.apply())


async def _with_topology(settings: Settings, work: Callable[[Topology], Awaitable[T]]) -> T:
    link = Composition(settings, "topology").link("topology")
    try:
        return await work(Topology(link, declare.whole(topology.DOMAINS, topology.QUEUES)))
    finally:
        await link.close()


def _table(title: str, steps: list[Step]) -> object:
    rows = [(step.kind, step.name, step.state.value, step.messages, step.action) for step in steps]
    return table(title, ["kind", "name", "state", "messages", "action"], rows)
