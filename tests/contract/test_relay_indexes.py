"""That what happens every second, and with every page, reads few rows of the relay's tables however many there are."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from mesh.embedded.mariadb import PrivateMariaDB
from persistence.engine import Database
from persistence.migrate import upgrade
from persistence.purge import Retention
from persistence.uow import Transaction
from schemas.relay.records import DeliveryState, EventStatus
from tests.build.records import NOON
from tests.build.relay import delivery, event, storefront, tagging_server
from tests.services.databases import opened
from tests.services.sql import fresh_database

EVENTS = 6000
#: The places of the events that still wait for something.
DUE = range(0, EVENTS, 300)
UNADOPTED = range(1, EVENTS, 300)
MINUTE = timedelta(minutes=1)


@dataclass
class Full:
    """A database in which nearly all is done, beside a destination that is switched off and has much to send."""

    database: Database
    destination: int

    async def reads(self, work: Callable[[Transaction], Awaitable[Any]]) -> int:
        """Return how many rows and index entries the server looked at for some work."""
        async with self.database.uow() as tx:
            before = await _looked_at(tx)
            await work(tx)
            return await _looked_at(tx) - before


async def _looked_at(tx: Transaction) -> int:
    rows = await tx._session._connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'")
    return sum(int(value) for _, value in rows)


@pytest.fixture
async def full(sql: PrivateMariaDB) -> AsyncIterator[Full]:
    async with fresh_database(sql) as url:
        await upgrade(url)
        async with opened(url) as database:
            shop = await storefront(database.uow)
            await tagging_server(database.uow, shop)
            held = await storefront(database.uow, "held", is_active=False)
            await tagging_server(database.uow, held)
            yield Full(database, await _fill(database, shop.id, held.id))


async def _fill(database: Database, shop: int, held: int) -> int:
    events = [event(f"o-{number}", storefront_id=shop, status=_status(number)) for number in range(EVENTS)]
    strangers = [
        event(f"o-{number}", storefront_code="unknown", storefront_id=None, status=EventStatus.HELD)
        for number in range(EVENTS)
    ]
    async with database.uow() as tx:
        await tx.events.add([each if each.status is not EventStatus.PENDING else _bare(each) for each in events])
        await tx.events.add(strangers)
        goes_to = await tx.destinations.of_storefronts([shop, held])
        ours, off = goes_to[shop][0].id, goes_to[held][0].id
        await tx.event_deliveries.add(
            [delivery(number + 1, ours, state=_state(number)) for number in range(EVENTS)]
            + [delivery(number + 1, off) for number in range(EVENTS)]
        )
        await tx._session._connection.exec_driver_sql("ANALYZE TABLE marketing_events, deliveries, destinations")
    return ours


def _status(number: int) -> EventStatus:
    return EventStatus.PENDING if number in UNADOPTED else EventStatus.DELIVERED


def _bare(each: Any) -> Any:
    return event(each.event_id, identity=None, status=EventStatus.PENDING)


def _state(number: int) -> DeliveryState:
    return DeliveryState.PENDING if number in DUE else DeliveryState.DELIVERED


async def test_what_is_due_to_a_destination_is_claimed_by_index(full: Full) -> None:
    async def claim(tx: Transaction) -> None:
        claimed = await tx.event_deliveries.claim(full.destination, now=NOON, limit=10, token="t", lease=MINUTE)
        assert len(claimed) == 10

    assert await full.reads(claim) < 200


async def test_destinations_with_something_due_are_found_however_much_is_held_elsewhere(full: Full) -> None:
    async def look(tx: Transaction) -> None:
        assert await tx.destinations.due(NOON, 100) == [full.destination]

    assert await full.reads(look) < 100


async def test_rows_of_strangers_are_found_however_many_events_there_are(full: Full) -> None:
    async def claim(tx: Transaction) -> None:
        claimed = await tx.events.claim_unadopted(now=NOON, limit=100, token="t", lease=MINUTE)
        assert len(claimed) == len(UNADOPTED)

    assert await full.reads(claim) < 500


@pytest.mark.parametrize("keys", [1, 500])
async def test_a_page_is_compared_by_index(full: Full, keys: int) -> None:
    identities = [f"bosley:purchase_completed:o-{number}" for number in range(2, 2 + keys)]

    async def find(tx: Transaction) -> None:
        await tx.events.find(identities)

    assert await full.reads(find) <= 3 * keys


async def test_the_purge_looks_at_what_is_old_and_nothing_else(full: Full) -> None:
    long_ago = NOON - timedelta(days=90)
    retention = Retention(
        now=NOON,
        crawl_logs_before=long_ago.date(),
        deliveries_before=long_ago,
        events_before=long_ago,
        replies_before=long_ago,
        limit=100,
    )

    async def purge(tx: Transaction) -> None:
        assert not await tx.purge(retention)

    assert await full.reads(purge) < 300
