"""That one piece is promised once while many wish, pay, change their minds and sweep at the same time."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import select, union_all

from persistence.tables import order_items, reservations
from persistence.uow import Transaction, Uow
from schemas.replies.stock import OrderStatus
from tests.build.replies import later, shop, until_done


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_storm_of_wishes_promises_each_piece_at_most_once_at_every_moment(uow: Uow, seed: int) -> None:
    """Holds, releases, orders, payments, cancellations and sweeps of many at once, while the clock goes on."""
    skus = [f"TH-B-{number:03}" for number in range(4)]
    people = await shop(uow, *skus, customers=8)
    storm = _Storm(uow, skus, people)
    await asyncio.gather(*(storm.blow(random.Random(8 * seed + number), 25) for number in range(8)))
    assert storm.outcomes["held"]
    assert storm.outcomes["ordered"]
    assert storm.outcomes["refused"]


class _Storm:
    """Many customers and operators at work on few pieces; after each step the promises are counted."""

    def __init__(self, uow: Uow, skus: list[str], people: list[str]) -> None:
        self._uow = uow
        self._skus = skus
        self._people = people
        self._minutes = 0.0
        self._codes: list[str] = []
        self.outcomes: Counter[str] = Counter()

    async def blow(self, chance: random.Random, steps: int) -> None:
        for _ in range(steps):
            self._minutes += chance.random() * 3
            work = chance.choices(
                [self._hold, self._release, self._order, self._move, self._sweep], weights=[6, 1, 4, 3, 1]
            )[0]
            await until_done(self._uow, work(chance, self._minutes))
            await until_done(self._uow, self._count)

    def _hold(self, chance: random.Random, at: float) -> Any:
        who, sku = chance.choice(self._people), chance.choice(self._skus)

        async def work(tx: Transaction) -> None:
            outcome = await tx.holds.hold(who, None, sku, later(at))
            self.outcomes["refused" if outcome.refused else "held"] += 1

        return work

    def _release(self, chance: random.Random, at: float) -> Any:
        who, sku = chance.choice(self._people), chance.choice(self._skus)
        return lambda tx: tx.holds.release(who, sku, later(at))

    def _order(self, chance: random.Random, at: float) -> Any:
        who = chance.choice(self._people)

        async def work(tx: Transaction) -> None:
            held = [piece.sku for _, piece in await tx.holds.of_user(who, later(at))]
            view = await tx.orders.from_holds(who, None, held, later(at)) if held else None
            if view:
                self._codes.append(view.order.code)
                self.outcomes["ordered"] += 1

        return work

    def _move(self, chance: random.Random, at: float) -> Any:
        code = chance.choice(self._codes or ["PT-NONE"])
        # Most are cancelled: what was paid never comes back, and the storm would calm down.
        to = chance.choice([OrderStatus.CANCELLED] * 5 + [OrderStatus.PAID, OrderStatus.SHIPPED])
        return lambda tx: tx.orders.move(code, to, who="ann", now=later(at))

    def _sweep(self, chance: random.Random, at: float) -> Any:  # noqa: ARG002  every step takes a chance
        return lambda tx: tx.holds.expire(later(at), 100)

    async def _count(self, tx: Transaction) -> None:
        # One statement sees one moment; two would see a hold, and then the order that it has become.
        held = select(reservations.c.inventory_id).where(reservations.c.state == "HELD")
        bought = select(order_items.c.inventory_id).where(order_items.c.live_inventory_id.is_not(None))
        promises = Counter((await tx._session.execute(union_all(held, bought))).scalars().all())
        assert all(number == 1 for number in promises.values()), promises
