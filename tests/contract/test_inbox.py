"""What the inbox promises, on every database."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from brokers.delivery import Delivery
from brokers.verdict import Conflict
from persistence.engine import open_uow
from persistence.uow import Uow
from tests.build.records import NOON


def delivery(message_id: str, *, is_derived: bool = False) -> Delivery[Any]:
    return Delivery(
        message=None, message_id=message_id, is_derived=is_derived, key="samples.ingest", observed_at=NOON, raw=b""
    )


async def test_a_message_is_claimed_once(uow: Uow) -> None:
    async with uow() as tx:
        assert await tx.inbox.claim("one")
        assert not await tx.inbox.claim("one")
    async with uow() as tx:
        assert not await tx.inbox.claim("one")


async def test_of_many_messages_the_new_ones_are_told(uow: Uow) -> None:
    async with uow() as tx:
        await tx.inbox.claim("b")
    async with uow() as tx:
        batch = [delivery(each) for each in ("c", "b", "a", "a")]
        assert await tx.inbox.claim_all(batch) == {"a", "c"}
        assert await tx.inbox.claim_all(batch) == set()
        assert await tx.inbox.claim_all([]) == set()


async def test_ids_are_compared_byte_by_byte(uow: Uow) -> None:
    alike = ["id", "ID", "id ", "íd", "id\n", "😀", "😁", "x" * 255]
    async with uow() as tx:
        assert await tx.inbox.claim_all([delivery(each) for each in alike]) == set(alike)
    async with uow() as tx:
        assert await tx.inbox.claim_all([delivery(each) for each in [*alike, "Id"]]) == {"Id"}


async def test_thousands_of_messages_are_claimed_at_once(uow: Uow) -> None:
    many = [delivery(str(number)) for number in range(2500)]
    async with uow() as tx:
        assert len(await tx.inbox.claim_all(many[:1500])) == 1500
    async with uow() as tx:
        assert len(await tx.inbox.claim_all(many)) == 1000


async def test_a_claim_goes_with_its_transaction(uow: Uow) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  a transaction that fails is a block
        async with uow() as tx:
            await tx.inbox.claim("one")
            raise ZeroDivisionError
    async with uow() as tx:
        assert await tx.inbox.claim("one")


async def test_of_twenty_who_claim_the_same_message_one_wins(uow: Uow) -> None:
    async def claim() -> str:
        try:
            async with uow() as tx:
                return "won" if await tx.inbox.claim("one") else "known"
        except Conflict:
            return "conflict"

    outcomes = Counter(await asyncio.gather(*[claim() for _ in range(20)]))
    assert outcomes["won"] == 1
    assert outcomes.keys() <= {"won", "known", "conflict"}


@pytest.mark.parametrize(("is_derived", "remembered"), [(True, timedelta(days=1)), (False, timedelta(days=30))])
async def test_a_derived_identity_is_remembered_for_a_day_and_a_given_one_for_a_month(
    url: str, is_derived: bool, remembered: timedelta
) -> None:
    now = NOON

    def clock() -> datetime:
        return now

    database = open_uow(url, clock=clock)
    async with database.uow() as tx:
        assert await tx.inbox.claim("page", is_derived=is_derived)
    for later, is_new in [(remembered - timedelta(milliseconds=1), False), (remembered, True)]:
        now = NOON + later
        async with database.uow() as tx:
            assert await tx.inbox.claim("page", is_derived=is_derived) is is_new
    await database.close()
