"""That holds and orders do what a few lines of Python say they do, whoever does what in whatever order."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence.uow import Transaction, Uow
from schemas.replies.stock import HoldTerms, ItemStatus, NotHeld, OrderStatus
from schemas.replies.wishes import Wish
from tests.build.replies import item, later, user

#: Every example has customers and pieces of its own: the database is the same.
_examples = count(1)
WHO = st.integers(0, 2)
PIECE = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), WHO, PIECE),
        st.tuples(st.just("release"), WHO, PIECE),
        st.tuples(st.just("order"), WHO, st.lists(PIECE, max_size=3)),
        st.tuples(st.just("move"), st.integers(0, 3), st.sampled_from(OrderStatus)),
        st.tuples(st.just("wait"), st.sampled_from([1, 10, 29, 30, 31])),
        st.tuples(st.just("sweep")),
        st.tuples(st.just("lapse")),
    ),
    max_size=25,
)


@dataclass
class Order:
    who: int
    pieces: frozenset[int]
    status: OrderStatus
    pay_by: int


@dataclass
class Model:
    """What should be: pieces, who holds each until when, and orders, at a minute."""

    now: int = 0
    holds: dict[int, tuple[int, int]] = field(default_factory=dict)
    status: dict[int, ItemStatus] = field(default_factory=lambda: dict.fromkeys(range(3), ItemStatus.AVAILABLE))
    orders: list[Order] = field(default_factory=list)

    def holder(self, piece: int) -> int | None:
        who, until = self.holds.get(piece, (None, 0))
        return who if until > self.now else None

    def hold(self, who: int, piece: int) -> NotHeld | int:
        if self.holder(piece) == who:
            return self.holds[piece][1]
        if self.status[piece] is ItemStatus.SOLD:
            return NotHeld.SOLD
        if self.status[piece] is ItemStatus.RESERVED or self.holder(piece) is not None:
            return NotHeld.TAKEN
        if sum(self.holder(each) == who for each in range(3)) >= 2:
            return NotHeld.TOO_MANY
        self.holds[piece] = (who, self.now + 30)
        return self.now + 30

    def release(self, who: int, piece: int) -> bool:
        if self.holder(piece) != who:
            return False
        del self.holds[piece]
        return True

    def order(self, who: int, pieces: frozenset[int]) -> bool:
        if not pieces or any(self.holder(each) != who for each in pieces):
            return False
        for each in pieces:
            del self.holds[each]
            self.status[each] = ItemStatus.RESERVED
        self.orders.append(Order(who, pieces, OrderStatus.PENDING, self.now + 60))
        return True

    def move(self, order: Order, to: OrderStatus) -> bool:
        may = {
            (OrderStatus.PENDING, OrderStatus.PAID),
            (OrderStatus.PENDING, OrderStatus.CANCELLED),
            (OrderStatus.PAID, OrderStatus.SHIPPED),
            (OrderStatus.PAID, OrderStatus.CANCELLED),
        }
        if (order.status, to) not in may:
            return False
        order.status = to
        for each in order.pieces:
            if to is OrderStatus.PAID:
                self.status[each] = ItemStatus.SOLD
            if to is OrderStatus.CANCELLED:
                self.status[each] = ItemStatus.AVAILABLE
        return True

    def lapse(self) -> int:
        unpaid = [each for each in self.orders if each.status is OrderStatus.PENDING and each.pay_by <= self.now]
        return sum(self.move(each, OrderStatus.CANCELLED) for each in unpaid)

    def seen_by(self, who: int, piece: int) -> ItemStatus:
        is_free = self.holder(piece) in {None, who}
        return self.status[piece] if is_free or self.status[piece] is not ItemStatus.AVAILABLE else ItemStatus.RESERVED


class Shop:
    """The real thing, told the same."""

    def __init__(self, tx: Transaction, example: int) -> None:
        self.tx = tx
        self.people = [f"usr-{example}-{number}" for number in range(3)]
        self.skus = [f"X{example}-{number}" for number in range(3)]
        self.codes: list[str] = []

    async def open(self) -> None:
        await self.tx.people.seen([user(each) for each in self.people])
        await self.tx.stock.put([item(each, brand=self.skus[0]) for each in self.skus])

    async def step(self, step: tuple[Any, ...], model: Model) -> None:
        match step:
            case ("hold", who, piece):
                await self._hold(who, piece, model)
            case ("release", who, piece):
                released = await self.tx.holds.release(self.people[who], self.skus[piece], later(model.now))
                assert (released is not None) == model.release(who, piece)
            case ("order", who, pieces):
                await self._order(who, pieces, model)
            case ("move", number, to) if number < len(self.codes):
                moved = await self.tx.orders.move(self.codes[number], to, who="ann", now=later(model.now))
                assert moved
                assert moved.is_allowed == model.move(model.orders[number], to)
            case ("wait", minutes):
                model.now += minutes
            case ("sweep",):
                await self.tx.holds.expire(later(model.now), 100)
            case ("lapse",):
                assert len(await self.tx.orders.lapse(later(model.now), 100)) == model.lapse()

    async def _hold(self, who: int, piece: int, model: Model) -> None:
        outcome = await self.tx.holds.hold(self.people[who], None, self.skus[piece], later(model.now), HoldTerms())
        expected = model.hold(who, piece)
        if isinstance(expected, NotHeld):
            assert outcome.refused is expected
        else:
            assert outcome.hold
            assert outcome.hold.expires_at == later(expected)

    async def _order(self, who: int, pieces: list[int], model: Model) -> None:
        view = await self.tx.orders.from_holds(
            self.people[who],
            None,
            [self.skus[each] for each in pieces],
            later(model.now),
            pay_within=later(60) - later(0),
        )
        assert (view is not None) == model.order(who, frozenset(pieces))
        if view:
            self.codes.append(view.order.code)

    async def check(self, model: Model) -> None:
        """Compare what each customer is told and finds with what should be."""
        for who, name in enumerate(self.people):
            told = [await self.tx.stock.find(sku, later(model.now)) for sku in self.skus]
            assert [view and view.status_for(name) for view in told] == [model.seen_by(who, each) for each in range(3)]
            wish = Wish(brand=self.skus[0])
            found = {each.item.sku for each in await self.tx.stock.search(wish, later(model.now), user_id=name)}
            expected = {self.skus[each] for each in range(3) if model.seen_by(who, each) is ItemStatus.AVAILABLE}
            assert found == expected


@given(STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_sequence_of_steps_promises_what_the_model_promises(uow: Uow, steps: list[tuple[Any, ...]]) -> None:
    model = Model()
    async with uow() as tx:
        shop = Shop(tx, next(_examples))
        await shop.open()
        for step in steps:
            await shop.step(step, model)
            await shop.check(model)
        # What lapses in one example must not be found unpaid by the next.
        for code in shop.codes:
            await tx.orders.move(code, OrderStatus.CANCELLED, who="ann", now=later(model.now))
