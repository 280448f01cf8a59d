"""Every message in flight gets one outcome, however the broker tells it."""

import asyncio
from collections.abc import Sequence

import pytest

from brokers.outgoing import Outgoing
from brokers.unconfirmed import Group, Unconfirmed, Unroutable
from brokers.verdict import Unavailable


def sent(unconfirmed: Unconfirmed, *ids: str) -> Group:
    group = Group([Outgoing(exchange="e", key="k", body=b"{}", message_id=each) for each in ids])
    for index in range(len(ids)):
        unconfirmed.add(group, index)
    return group


def kinds(group: Group) -> list[type | None]:
    return [outcome and type(outcome) for outcome in group.outcomes]


@pytest.fixture
async def unconfirmed() -> Unconfirmed:
    return Unconfirmed(4)


async def test_one_ack_may_confirm_everything_up_to_it(unconfirmed: Unconfirmed) -> None:
    first, second = sent(unconfirmed, "1", "2"), sent(unconfirmed, "3", "4")
    unconfirmed.confirm(3, multiple=True, is_taken=True)
    assert (first.done.done(), second.done.done(), len(unconfirmed)) == (True, False, 1)
    unconfirmed.confirm(4, multiple=False, is_taken=True)
    assert (second.done.done(), second.outcomes) == (True, [None, None])


async def test_acks_may_come_in_any_order(unconfirmed: Unconfirmed) -> None:
    group = sent(unconfirmed, "1", "2", "3")
    for tag in (3, 1, 2):
        assert not group.done.done()
        unconfirmed.confirm(tag, multiple=False, is_taken=True)
    assert group.outcomes == [None, None, None]


@pytest.mark.parametrize("is_multiple", [False, True])
async def test_a_nack_concerns_the_messages_it_names(unconfirmed: Unconfirmed, *, is_multiple: bool) -> None:
    group = sent(unconfirmed, "1", "2", "3")
    unconfirmed.confirm(2, multiple=is_multiple, is_taken=False)
    unconfirmed.confirm(3, multiple=True, is_taken=True)
    assert kinds(group) == [Unavailable if is_multiple else None, Unavailable, None]


async def test_a_returned_message_is_unroutable_although_it_is_acked_afterwards(unconfirmed: Unconfirmed) -> None:
    group = sent(unconfirmed, "1", "2")
    unconfirmed.returned("2", "e", "k")
    unconfirmed.confirm(2, multiple=True, is_taken=True)
    assert kinds(group) == [None, Unroutable]


async def test_of_messages_that_look_alike_each_return_concerns_another(unconfirmed: Unconfirmed) -> None:
    group = sent(unconfirmed, "same", "same", "same")
    for _ in range(3):
        unconfirmed.returned("same", "e", "k")
    assert kinds(group) == [Unroutable, Unroutable, Unroutable]
    assert group.done.done()


async def test_what_was_in_flight_when_the_channel_ends_is_unconfirmed_and_the_rest_keeps_its_outcome(
    unconfirmed: Unconfirmed,
) -> None:
    group = sent(unconfirmed, "1", "2")
    unconfirmed.confirm(1, multiple=False, is_taken=True)
    unconfirmed.fail("it was cut")
    assert kinds(group) == [None, Unavailable]
    assert "it was cut" in str(group.outcomes[1])
    unconfirmed.confirm(2, multiple=True, is_taken=True)
    assert kinds(group) == [None, Unavailable]


async def test_whoever_finds_no_room_waits_in_turn(unconfirmed: Unconfirmed) -> None:
    sent(unconfirmed, "1", "2", "3")
    entered: list[int] = []

    async def enter(wanted: int) -> None:
        await unconfirmed.room(wanted)
        entered.append(wanted)
        sent(unconfirmed, *map(str, range(wanted)))

    waiting = [asyncio.create_task(enter(wanted)) for wanted in (2, 1)]
    await asyncio.sleep(0)
    assert entered == []  # there is room for one, but the two came first
    unconfirmed.confirm(1, multiple=False, is_taken=True)
    await _settle(waiting[:1])
    assert entered == [2]
    unconfirmed.confirm(3, multiple=True, is_taken=True)
    await _settle(waiting)
    assert entered == [2, 1]


async def test_a_group_larger_than_the_window_goes_alone(unconfirmed: Unconfirmed) -> None:
    await unconfirmed.room(10)
    group = sent(unconfirmed, *map(str, range(10)))
    waiting = asyncio.create_task(unconfirmed.room(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    unconfirmed.confirm(10, multiple=True, is_taken=True)
    await waiting
    assert group.done.done()


async def test_whoever_gives_up_waiting_for_room_does_not_keep_the_next_one_out(unconfirmed: Unconfirmed) -> None:
    sent(unconfirmed, "1", "2", "3", "4")
    impatient, patient = (asyncio.create_task(unconfirmed.room(1)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    unconfirmed.confirm(4, multiple=True, is_taken=True)
    await patient
    assert impatient.cancelled()


async def test_the_end_of_the_channel_lets_those_in_who_wait(unconfirmed: Unconfirmed) -> None:
    sent(unconfirmed, "1", "2", "3", "4")
    waiting = asyncio.create_task(unconfirmed.room(4))
    await asyncio.sleep(0)
    unconfirmed.fail("it was cut")
    await waiting


async def _settle(tasks: Sequence[asyncio.Task[None]]) -> None:
    async with asyncio.timeout(1):
        await asyncio.gather(*tasks)


async def test_what_names_no_exchange_is_unroutable_and_what_was_in_flight_beside_it_is_not(
    unconfirmed: Unconfirmed,
) -> None:
    group = Group([Outgoing(exchange=exchange, key="k", body=b"{}") for exchange in ("e", "nowhere", "e")])
    for index in range(3):
        unconfirmed.add(group, index)
    unconfirmed.misaddressed("nowhere")
    unconfirmed.fail("channel closed")
    assert kinds(group) == [Unavailable, Unroutable, Unavailable]
