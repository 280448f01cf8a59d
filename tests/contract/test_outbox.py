"""What the outbox promises, on every database."""

import asyncio
from datetime import timedelta

import pytest

from brokers.outgoing import Outgoing
from persistence.uow import Uow
from schemas.base import Event
from schemas.clock import utc_now
from tests.build.records import EVERY_SCRIPT, NOON, new_id

LEASE = timedelta(seconds=30)


class SampleSeen(Event):
    """A sample was seen."""

    key = "samples.sample.seen"
    sample_id: str


def message(number: int = 0, body: bytes = b"{}") -> Outgoing:
    return Outgoing(exchange="chatbot.topic", key="chatbot.sample.batch", body=body, message_id=f"message {number}")


async def claimed(uow: Uow, token: str, *, limit: int = 100, later: timedelta = timedelta()) -> list[tuple[int, str]]:
    async with uow() as tx:
        rows = await tx.outbox.claim(limit=limit, token=token, lease=LEASE, now=NOON + later)
    return [(row.id, row.message.message_id) for row in rows]


async def test_a_message_leaves_as_it_was_said(uow: Uow) -> None:
    full = Outgoing(
        exchange="chatbot.topic",
        key="chatbot.sample.batch",
        body=EVERY_SCRIPT.encode(),
        type="SendChatMessages",
        correlation_id="c 1",
        reply_to="amq.gen-1",
        timestamp=NOON,
        headers={"x-attempt": 2, "task_id": "😀", "deep": {"a": [1, None]}},
    )
    bare = Outgoing(exchange="a.topic", key="a.b", body=b"", timestamp=NOON)
    async with uow() as tx:
        await tx.send_all([full, bare])
    async with uow() as tx:
        rows = await tx.outbox.claim(limit=10, token=new_id(), lease=LEASE, now=NOON)
    assert [row.message for row in rows] == [full, bare]


async def test_a_body_may_hold_any_bytes(uow: Uow) -> None:
    body = bytes(range(256)) * 4 + b"'\\%s?\xff\xfe" + b"\0" * 100_000
    async with uow() as tx:
        await tx.outbox.add([message(body=body)])
    async with uow() as tx:
        (row,) = await tx.outbox.claim(limit=10, token=new_id(), lease=LEASE, now=NOON)
    assert row.message.body == body


async def test_our_own_messages_are_addressed_by_their_key(uow: Uow) -> None:
    async with uow() as tx:
        await tx.send(SampleSeen(sample_id="S1"), correlation_id="c1")
    async with uow() as tx:
        (row,) = await tx.outbox.claim(limit=10, token=new_id(), lease=LEASE, now=NOON)
    said = row.message
    assert (said.exchange, said.key, said.type) == ("samples.topic", "samples.sample.seen", "SampleSeen")
    assert (said.body, said.correlation_id) == (b'{"sampleId":"S1"}', "c1")


async def test_nothing_leaves_from_a_transaction_that_failed(uow: Uow) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  a transaction that fails is a block
        async with uow() as tx:
            await tx.outbox.add([message()])
            raise ZeroDivisionError
    assert await claimed(uow, new_id()) == []


async def test_messages_are_claimed_in_the_order_of_writing(uow: Uow) -> None:
    for first in (0, 600):
        async with uow() as tx:
            await tx.outbox.add([message(first + number) for number in range(600)])
    rows = await claimed(uow, new_id(), limit=1000) + await claimed(uow, new_id(), limit=1000)
    assert [message_id for _, message_id in rows] == [f"message {number}" for number in range(1200)]
    assert sorted(rows) == rows


async def test_a_claim_holds_until_its_lease_is_over_or_it_is_released(uow: Uow) -> None:
    async with uow() as tx:
        await tx.outbox.add([message(1), message(2)])
    token = new_id()
    (first, _), (second, _) = await claimed(uow, token)
    assert await claimed(uow, new_id(), later=LEASE - timedelta(milliseconds=1)) == []
    async with uow() as tx:
        await tx.outbox.release([second], token=token)
    assert await claimed(uow, new_id()) == [(second, "message 2")]
    assert await claimed(uow, new_id(), later=LEASE) == [(first, "message 1"), (second, "message 2")]


async def test_only_the_holder_of_a_claim_deletes_and_releases(uow: Uow) -> None:
    async with uow() as tx:
        await tx.outbox.add([message(1)])
    slow, quick = new_id(), new_id()
    ((row_id, _),) = await claimed(uow, slow)
    await claimed(uow, quick, later=LEASE)
    async with uow() as tx:
        await tx.outbox.release([row_id], token=slow)
        await tx.outbox.delete([row_id], token=slow)
    assert await claimed(uow, new_id(), later=LEASE) == []
    assert len(await claimed(uow, new_id(), later=LEASE * 2)) == 1


async def test_what_was_confirmed_is_gone(uow: Uow) -> None:
    async with uow() as tx:
        await tx.outbox.add([message(1), message(2)])
    token = new_id()
    rows = await claimed(uow, token)
    async with uow() as tx:
        await tx.outbox.delete([rows[0][0]], token=token)
    assert await claimed(uow, new_id(), later=LEASE) == rows[1:]


async def test_numbers_are_not_given_again_after_the_outbox_was_emptied(uow: Uow) -> None:
    last = 0
    for number in range(3):
        async with uow() as tx:
            await tx.outbox.add([message(number)])
        token = new_id()
        ((row_id, _),) = await claimed(uow, token)
        async with uow() as tx:
            await tx.outbox.delete([row_id], token=token)
        assert row_id > last
        last = row_id


async def test_four_concurrent_relays_never_hold_the_same_message(uow: Uow) -> None:
    async with uow() as tx:
        await tx.outbox.add([message(number) for number in range(300)])

    async def relay() -> list[int]:
        mine: list[int] = []
        while rows := await claimed(uow, new_id(), limit=20):
            mine += [row_id for row_id, _ in rows]
        return mine

    taken = [row_id for mine in await asyncio.gather(*[relay() for _ in range(4)]) for row_id in mine]
    taken += [row_id for row_id, _ in await claimed(uow, new_id(), limit=300)]
    assert len(taken) == len(set(taken)) == 300


async def test_the_backlog_is_counted_and_its_age_told(uow: Uow) -> None:
    async with uow() as tx:
        assert await tx.outbox.backlog(utc_now()) == (0, timedelta())
        await tx.outbox.add([message(1), message(2)])
        waiting, age = await tx.outbox.backlog(utc_now() + timedelta(minutes=1))
    assert waiting == 2
    assert timedelta(minutes=1) <= age < timedelta(minutes=2)


async def test_a_claim_given_by_a_clock_that_was_set_back_holds_nobody_up(uow: Uow) -> None:
    async with uow() as tx:
        await tx.outbox.add([message()])
    assert await claimed(uow, new_id(), later=timedelta(hours=3))
    assert await claimed(uow, new_id())
    assert not await claimed(uow, new_id())
