"""`mesh queues`: how every queue stands right now."""

import asyncio
from dataclasses import asdict
from datetime import datetime

from adapters.management import Rates
from brokers import topology
from brokers.census import Census, Standing
from brokers.verdict import Unavailable
from mesh.compose import Composition, management_of
from mesh.console import age, console, notes, print_json, table
from schemas.clock import utc_now
from settings import Settings

COLUMNS = ["queue", "ready", "unacked", "in/s", "acked/s", "consumers", "oldest", "dead", "oldest dead"]


def show(*, as_json: bool) -> None:
    """Print the standing of every queue; rates where the management API can be asked."""
    settings = Settings()
    standings, rates = asyncio.run(_look(settings))
    if as_json:
        print_json([{**asdict(each), **(asdict(rates[each.name]) if each.name in rates else {})} for each in standings])
        return
    now = utc_now()
    rows = [_row(each, rates.get(each.name), now) for each in standings]
    console.print(table("Queues", COLUMNS, rows))
    if not rates:
        console.print("Rates need MESH_BROKER_MANAGEMENT_URL.", style="dim")


async def _look(settings: Settings) -> tuple[list[Standing], dict[str, Rates]]:
    composition = Composition(settings, "queues")
    link = composition.link("census")
    try:
        standings = await Census(link, topology.QUEUES, utc_now).count()
    finally:
        await link.close()
    return standings, await _rates(settings)


async def _rates(settings: Settings) -> dict[str, Rates]:
    management = management_of(settings)
    if management is None:
        return {}
    try:
        return await management.rates()
    except Unavailable as error:
        notes.print(f"No rates: {error}", style="yellow")
        return {}


def _row(standing: Standing, rates: Rates | None, now: datetime) -> tuple[object, ...]:
    return (
        standing.name,
        standing.ready,
        rates.unacked if rates else None,
        rates.incoming if rates else None,
        rates.acked if rates else None,
        standing.consumers,
        age(standing.oldest_at, now),
        standing.dead,
        age(standing.oldest_dead_at, now),
    )
