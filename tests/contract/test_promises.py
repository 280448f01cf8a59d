"""That one piece is promised to one customer, on every database and whoever asks at once."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from brokers.verdict import Conflict, Reject
from persistence.replies.orders import PAY_WITHIN
from persistence.tables import reservations
from persistence.uow import Uow
from schemas.replies.records import Handoff
from schemas.replies.stock import HoldOutcome, HoldState, HoldTerms, ItemStatus, NotHeld, OrderStatus, Waiting
from tests.build.records import NOON
from tests.build.replies import CONVERSATION, item, later, shop, thread, until_done

SKU, OTHER, THIRD = "TH-P-001", "TH-P-002", "TH-P-003"
HEAD_START = timedelta(minutes=30)


async def hold(uow: Uow, who: str, sku: str = SKU, at: float = 0, **terms: Any) -> HoldOutcome:
    async with uow() as tx:
        return await tx.holds.hold(who, CONVERSATION, sku, later(at), HoldTerms(**terms))


async def ordered(uow: Uow, who: str, *skus: str, at: float = 1) -> str:
    for each in skus:
        assert (await hold(uow, who, each, at)).hold
    async with uow() as tx:
        view = await tx.orders.from_holds(who, CONVERSATION, skus, later(at))
        assert view
        return view.order.code


async def status_of(uow: Uow, sku: str, at: float = 1) -> ItemStatus:
    async with uow() as tx:
        view = await tx.stock.find(sku, later(at))
        assert view
        return view.status_for(None)


async def test_fifty_customers_who_hold_one_piece_at_once_are_one_holder_and_forty_nine_who_hear_of_it(
    uow: Uow,
) -> None:
    people = await shop(uow, SKU, customers=50)

    def wish(who: str) -> Any:
        return until_done(uow, lambda tx: tx.holds.hold(who, None, SKU, NOON))

    outcomes = await asyncio.gather(*map(wish, people))
    assert Counter(each.refused for each in outcomes) == {None: 1, NotHeld.TAKEN: 49}
    async with uow() as tx:
        states = (await tx._session.execute(select(reservations.c.state))).scalars().all()
    assert states == [HoldState.HELD]


async def test_a_customer_who_asks_twice_is_told_the_same_end(uow: Uow) -> None:
    (one,) = await shop(uow, SKU)
    first, again = await hold(uow, one), await hold(uow, one, at=7)
    assert first.hold
    assert again.hold == first.hold
    assert (first.is_new, again.is_new) == (True, False)
    assert first.hold.expires_at == later(30)


async def test_a_hold_ends_by_itself_at_its_moment_and_not_before(uow: Uow) -> None:
    one, two = await shop(uow, SKU, customers=2)
    await hold(uow, one)
    assert (await hold(uow, two, at=29.99)).refused is NotHeld.TAKEN
    assert (await hold(uow, two, at=30)).hold
    assert (await hold(uow, one, at=31)).refused is NotHeld.TAKEN
    async with uow() as tx:
        assert await tx.holds.of_user(one, later(31)) == []
        rows = await tx._session.execute(select(reservations.c.user_id, reservations.c.state))
        assert {tuple(row) for row in rows} == {(one, "EXPIRED"), (two, "HELD")}


async def test_the_sweeper_only_writes_down_what_is_so(uow: Uow) -> None:
    one, _ = await shop(uow, SKU, OTHER, customers=2)
    await hold(uow, one)
    await hold(uow, one, OTHER, at=10)
    async with uow() as tx:
        assert await tx.holds.expire(later(29.99), 10) == []
        assert [each.expires_at for each in await tx.holds.expire(later(30), 10)] == [later(30)]
        assert await tx.holds.expire(later(30), 10) == []
        assert [held.sku for _, held in await tx.holds.of_user(one, later(30))] == [OTHER]


async def test_a_customer_has_so_many_holds_at_once_and_another_when_one_ends(uow: Uow) -> None:
    (one,) = await shop(uow, SKU, OTHER, THIRD)
    await hold(uow, one)
    await hold(uow, one, OTHER, at=5)
    assert (await hold(uow, one, THIRD, at=6)).refused is NotHeld.TOO_MANY
    assert (await hold(uow, one, SKU, at=6)).hold
    assert (await hold(uow, one, THIRD, at=30)).hold


async def test_a_customer_who_asks_for_three_at_once_gets_two(uow: Uow) -> None:
    (one,) = await shop(uow, SKU, OTHER, THIRD)

    def wish(sku: str) -> Any:
        return until_done(uow, lambda tx: tx.holds.hold(one, None, sku, NOON))

    outcomes = await asyncio.gather(*map(wish, (SKU, OTHER, THIRD)))
    assert Counter(each.refused for each in outcomes) == {None: 2, NotHeld.TOO_MANY: 1}


async def test_only_the_holder_gives_a_hold_up(uow: Uow) -> None:
    one, two = await shop(uow, SKU, customers=2)
    await hold(uow, one)
    async with uow() as tx:
        assert await tx.holds.release(two, SKU, later(1)) is None
        released = await tx.holds.release(one, SKU.lower(), later(1))
        assert released
        assert released.state is HoldState.RELEASED
        assert await tx.holds.release(one, SKU, later(1)) is None
    assert (await hold(uow, two, at=2)).hold


async def test_what_is_unknown_or_sold_is_not_held_and_a_stranger_holds_nothing(uow: Uow) -> None:
    (one,) = await shop(uow, SKU)
    assert (await hold(uow, one, "TH-X-999")).refused is NotHeld.UNKNOWN
    async with uow() as tx:
        await tx.stock.mark(SKU, ItemStatus.SOLD, NOON)
    assert (await hold(uow, one)).refused is NotHeld.SOLD
    with pytest.raises(Reject):
        await hold(uow, "a stranger")


async def test_who_waits_longest_is_told_once(uow: Uow) -> None:
    one, two, three = await shop(uow, SKU, customers=3)
    await wait_for(uow, await hold(uow, one), two, three, two)
    told: list[str] = []
    async with uow() as tx:
        for at in (29, 30, 59, 60, 90):
            for each in await tx.holds.to_tell(later(at), head_start=HEAD_START, limit=10):
                assert await tx.holds.in_line(each.id or 0) == each
                await tx.holds.notified(each, later(at))
                assert await tx.holds.in_line(each.id or 0) is None
                told.append(f"{at} {each.user_id}")
    assert told == [f"30 {two}", f"60 {three}"]


@pytest.mark.parametrize(
    "change",
    [
        {"last_inbound_at": NOON - timedelta(hours=48)},
        {"window_sent_count": 9},
        {"handoff": Handoff.HUMAN, "handoff_until": later(99)},
    ],
)
async def test_who_cannot_be_written_to_keeps_the_place_and_the_next_one_is_told(uow: Uow, change: Any) -> None:
    one, two, three = await shop(uow, SKU, customers=3)
    await wait_for(uow, await hold(uow, one), two, three)
    async with uow() as tx:
        before = await tx.threads.get(f"cv-{two}")
        assert before
        await tx.threads.save(replace(before, **change))
        (first,) = await tx.holds.to_tell(later(30), head_start=HEAD_START, limit=10)
        assert first.user_id == three
        await tx.threads.save(before)
        await tx.people.opt(three, out_at=NOON)
        (first,) = await tx.holds.to_tell(later(30), head_start=HEAD_START, limit=10)
        assert first.user_id == two


async def wait_for(uow: Uow, outcome: HoldOutcome, *who: str) -> None:
    assert outcome.item
    async with uow() as tx:
        for minutes, each in enumerate(who, start=1):
            place = {"inventory_id": outcome.item.id or 0, "user_id": each, "conversation_id": f"cv-{each}"}
            await tx.threads.opened(thread(f"cv-{each}", user_id=each))
            await tx.holds.wait(Waiting(**place, created_at=later(minutes)))  # type: ignore[arg-type]


async def test_an_order_is_made_of_live_holds_and_keeps_their_pieces(uow: Uow) -> None:
    one, two = await shop(uow, SKU, OTHER, customers=2)
    code = await ordered(uow, one, SKU, OTHER)
    async with uow() as tx:
        view = await tx.orders.get(code)
        assert view
        assert [(piece.sku, line.price_at_purchase, line.quantity) for piece, line in view.items] == [
            (SKU, 9500, 1),
            (OTHER, 9500, 1),
        ]
        assert (view.order.total_amount, view.order.currency, view.order.status) == (19000, "KES", OrderStatus.PENDING)
        assert view.order.pay_by == later(1) + PAY_WITHIN
        assert await tx.holds.of_user(one, later(2)) == []
        assert [each.to_status for each in await tx.orders.history(view.order.id or 0)] == [OrderStatus.PENDING]
    assert await status_of(uow, SKU, at=100) is ItemStatus.RESERVED
    assert (await hold(uow, two, at=100)).refused is NotHeld.TAKEN
    assert (await hold(uow, one, at=100)).refused is NotHeld.TAKEN


async def test_an_order_keeps_the_price_of_its_moment(uow: Uow) -> None:
    (one,) = await shop(uow, SKU)
    code = await ordered(uow, one, SKU)
    async with uow() as tx:
        await tx.stock.put([item(SKU, price_kes=1)])
        view = await tx.orders.get(code)
        assert view
        assert (view.items[0][1].price_at_purchase, view.order.total_amount) == (9500, 9500)


async def test_without_every_hold_live_there_is_no_order_and_nothing_changes(uow: Uow) -> None:
    one, two = await shop(uow, SKU, OTHER, customers=2)
    await hold(uow, one)
    await hold(uow, two, OTHER)
    async with uow() as tx:
        for skus in ([SKU, OTHER], [OTHER], ["TH-X-999"], []):
            assert await tx.orders.from_holds(one, None, skus, later(1)) is None, skus
        assert await tx.orders.from_holds(one, None, [SKU], later(30)) is None
        assert [held.sku for _, held in await tx.holds.of_user(one, later(1))] == [SKU]
        assert await tx.orders.listed(limit=10) == []


async def test_an_order_moves_as_it_may_and_takes_its_piece_along(uow: Uow) -> None:
    (one,) = await shop(uow, SKU)
    code = await ordered(uow, one, SKU)
    for to, is_allowed, piece in (
        (OrderStatus.SHIPPED, False, ItemStatus.RESERVED),
        (OrderStatus.PAID, True, ItemStatus.SOLD),
        (OrderStatus.PAID, False, ItemStatus.SOLD),
        (OrderStatus.PENDING, False, ItemStatus.SOLD),
        (OrderStatus.SHIPPED, True, ItemStatus.SOLD),
        (OrderStatus.CANCELLED, False, ItemStatus.SOLD),
    ):
        async with uow() as tx:
            moved = await tx.orders.move(code, to, who="ann", now=later(5))
            assert moved
            assert moved.is_allowed is is_allowed, to
        assert await status_of(uow, SKU) is piece
    async with uow() as tx:
        view = await tx.orders.get(code)
        assert view
        history = await tx.orders.history(view.order.id or 0)
        assert [(each.from_status, each.to_status, each.who) for each in history] == [
            (None, "PENDING", one),
            ("PENDING", "PAID", "ann"),
            ("PAID", "SHIPPED", "ann"),
        ]
        assert await tx.orders.move("PT-NONE", OrderStatus.PAID, who="ann", now=later(5)) is None


@pytest.mark.parametrize("paid", [False, True])
async def test_a_cancelled_order_frees_its_piece_for_another(uow: Uow, *, paid: bool) -> None:
    one, two = await shop(uow, SKU, customers=2)
    code = await ordered(uow, one, SKU)
    async with uow() as tx:
        if paid:
            await tx.orders.move(code, OrderStatus.PAID, who="ann", now=later(2))
        moved = await tx.orders.move(code, OrderStatus.CANCELLED, who="ann", now=later(3), reason="changed her mind")
        assert moved
        assert moved.is_allowed
    assert await status_of(uow, SKU, at=4) is ItemStatus.AVAILABLE
    assert await ordered(uow, two, SKU, at=5) != code


async def test_an_unpaid_order_lapses_after_a_day_and_a_paid_one_never(uow: Uow) -> None:
    one, two = await shop(uow, SKU, OTHER, customers=2)
    code, paid = await ordered(uow, one, SKU, at=0), await ordered(uow, two, OTHER, at=0)
    async with uow() as tx:
        await tx.orders.move(paid, OrderStatus.PAID, who="ann", now=later(1))
        assert await tx.orders.lapse(later(24 * 60 - 1), 10) == []
        assert [each.code for each in await tx.orders.lapse(later(24 * 60), 10)] == [code]
        assert await tx.orders.lapse(later(24 * 60), 10) == []
    assert await status_of(uow, SKU) is ItemStatus.AVAILABLE
    assert await status_of(uow, OTHER) is ItemStatus.SOLD


async def test_another_customers_order_is_as_unknown_as_one_that_never_was(uow: Uow) -> None:
    one, two = await shop(uow, SKU, customers=2)
    code = await ordered(uow, one, SKU)
    async with uow() as tx:
        assert [each.order.code for each in await tx.orders.of_user(one, code=code.lower())] == [code]
        assert await tx.orders.of_user(two, code=code) == await tx.orders.of_user(two, code="PT-00000000") == []


async def test_the_database_itself_refuses_a_second_promise(uow: Uow) -> None:
    one, two = await shop(uow, SKU, customers=2)
    outcome = await hold(uow, one)
    assert outcome.item
    number = outcome.item.id
    second = {
        "inventory_id": number,
        "held_inventory_id": number,
        "user_id": two,
        "state": "HELD",
        "expires_at": later(30),
        "created_at": NOON,
        "updated_at": NOON,
    }
    for values, verdict in (
        (second, Conflict),
        (second | {"held_inventory_id": None}, Reject),
        (second | {"held_inventory_id": 99_999}, Reject),
        (second | {"state": "RELEASED"}, Reject),
        (second | {"state": "LOST", "held_inventory_id": None}, Reject),
    ):
        with pytest.raises(verdict):
            async with uow() as tx:
                await tx._session.execute(reservations.insert().values(**values))
