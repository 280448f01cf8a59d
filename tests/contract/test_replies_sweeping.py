"""What runs out by itself is written down within a minute, and who waits for a piece is told once."""

from datetime import timedelta
from typing import Any

import pytest

from brokers import metrics
from handlers.replies.wording import free_again
from persistence.engine import Database
from persistence.tables import messages, outbox
from persistence.uow import Uow
from publishers.backlog import BacklogWatch
from publishers.replies import RepliesSweeper
from schemas.replies.messages import SendReplies
from schemas.replies.records import Handoff, Reply, ReplyKind, ReplyState, Role
from schemas.replies.stock import HoldState, ItemStatus, OrderStatus, Waiting
from tests.build.inbound import rows
from tests.build.records import NOON
from tests.build.replies import (
    BUSINESS,
    CONVERSATION,
    CUSTOMER,
    item,
    later,
    reply,
    shop,
    thread,
    tokens,
    user,
    webhook,
)

SKU = "TH-P-001"


@pytest.fixture
async def waiting(uow: Uow) -> str:
    """A piece that somebody holds for half an hour, and a customer in line for it; the holder's number."""
    (holder,) = await shop(uow, SKU)
    async with uow() as tx:
        await tx.people.seen([user()])
        await tx.threads.opened(thread(menu_shown_at=NOON, proposal={"do": "hold", "sku": SKU}, proposed_at=NOON))
        held = await tx.holds.hold(holder, None, SKU, NOON)
        assert held.item
        place = Waiting(inventory_id=held.item.id or 0, user_id=CUSTOMER, conversation_id=CONVERSATION, created_at=NOON)
        await tx.holds.wait(place)
    return holder


async def sweep(uow: Uow, minutes: float) -> int:
    def worded(piece: Any) -> str:
        return free_again(piece, 30)

    return await RepliesSweeper(uow, lambda: later(minutes), worded, head_start=timedelta(minutes=30)).pass_once()


async def notices(uow: Uow) -> list[Reply]:
    async with uow() as tx:
        return await tx.replies.of(CONVERSATION, 10)


async def test_a_hold_that_has_ended_is_written_down(uow: Uow, waiting: str) -> None:
    assert await sweep(uow, 29) == 0
    async with uow() as tx:
        assert [each.state for each, _ in await tx.holds.of_user(waiting, later(29))] == [HoldState.HELD]
    await sweep(uow, 30)
    async with uow() as tx:
        assert await tx.holds.expire(later(99), 10) == []


@pytest.mark.usefixtures("waiting")
async def test_who_waits_is_told_once_that_the_piece_is_free(database: Database) -> None:
    uow = database.uow
    for minutes in (29, 30, 31, 99):
        await sweep(uow, minutes)
    (notice,) = await notices(uow)
    assert (notice.kind, notice.state, notice.business_id) == (ReplyKind.WAITING, ReplyState.PENDING, BUSINESS)
    assert notice.expires_at == NOON + timedelta(hours=48)
    for fact in ("free again", SKU, "KES 9,500", "tag L (pit to pit 24 in)", "fits like a M", f"HOLD {SKU}"):
        assert fact in notice.body
    assert [each.routing_key.rpartition(".")[0] for each in await rows(database, outbox)] == [SendReplies.key]
    assert [(each.role, each.reply_id) for each in await rows(database, messages)] == [(Role.ASSISTANT, notice.id)]
    async with uow() as tx:
        talk = await tx.threads.get(CONVERSATION)
    assert talk
    assert (talk.menu_shown_at, talk.proposal) == (None, None)  # a yes to the notice confirms nothing from before it


@pytest.mark.usefixtures("waiting")
async def test_nobody_is_told_of_a_piece_that_is_sold_or_while_a_person_speaks(uow: Uow) -> None:
    async with uow() as tx:
        await tx.threads.save(thread(handoff=Handoff.HUMAN, handoff_until=later(60)))
    await sweep(uow, 30)
    async with uow() as tx:
        await tx.stock.mark(SKU, ItemStatus.SOLD, later(31))
    await sweep(uow, 60)  # ends the hand-over
    await sweep(uow, 61)
    assert await notices(uow) == []


async def test_an_order_that_is_not_paid_in_a_day_lapses_and_its_piece_is_free(uow: Uow) -> None:
    (one,) = await shop(uow, SKU)
    async with uow() as tx:
        await tx.holds.hold(one, None, SKU, NOON)
        made = await tx.orders.from_holds(one, None, [SKU], NOON)
        assert made
    statuses = []
    for hours in (23.99, 24):
        await sweep(uow, hours * 60)
        async with uow() as tx:
            found = await tx.orders.get(made.order.code)
            piece = await tx.stock.find(SKU, NOON)
            assert found
            assert piece
            statuses.append((found.order.status, piece.item.status))
    assert statuses == [
        (OrderStatus.PENDING, ItemStatus.RESERVED),
        (OrderStatus.CANCELLED, ItemStatus.AVAILABLE),
    ]


async def test_a_hand_over_ends_and_one_without_an_end_does_not(uow: Uow) -> None:
    async with uow() as tx:
        await tx.threads.opened(thread("ends", handoff=Handoff.HUMAN, handoff_until=later(5)))
        await tx.threads.opened(thread("stays", handoff=Handoff.HUMAN))
    who = {}
    for minutes in (4, 5):
        await sweep(uow, minutes)
        async with uow() as tx:
            who[minutes] = {each.conversation_id: each.handoff for each in await tx.threads.listed(limit=9)}
    assert who[4] == {"ends": Handoff.HUMAN, "stays": Handoff.HUMAN}
    assert who[5] == {"ends": Handoff.BOT, "stays": Handoff.HUMAN}


async def test_two_sweepers_at_once_tell_a_customer_once(uow: Uow, waiting: str) -> None:
    assert waiting
    sweeper = RepliesSweeper(uow, lambda: later(30), lambda each: each.sku, head_start=timedelta(minutes=30))
    async with uow() as tx:
        line = await tx.holds.to_tell(later(30), head_start=timedelta(minutes=30), limit=10)
    assert len(line) == 1
    for _ in range(2):
        async with uow() as tx:
            await tx.holds.expire(later(30), 10)
            await sweeper._tell(tx, line[0], later(30))
    assert len(await notices(uow)) == 1


async def test_an_item_of_another_size_is_told_with_its_remark() -> None:
    assert free_again(item(fit_notes=""), 30).startswith("It is free again: Carhartt Detroit Jacket, KES 9,500, tag L")


async def test_what_waits_and_how_accounts_stand_is_read_from_sql(uow: Uow) -> None:
    async with uow() as tx:
        await tx.threads.opened(thread())
        await tx.webhooks.add(webhook(received_at=NOON))
        await tx.replies.add(reply(state=ReplyState.UNCERTAIN))
        await tx.tokens.put(tokens(refresh_expires_at=NOON))
    assert await BacklogWatch(uow, lambda: later(1)).pass_once() == 0
    assert metrics.replies_lag.collect()[0].samples[0].value == 60
    values = {each.labels["state"]: each.value for each in metrics.replies_accounts.collect()[0].samples}
    assert values["broken"] == 1
