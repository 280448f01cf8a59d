"""The consumer of chat batches on real databases: what it knows of a call, it knows again after an outage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from brokers.verdict import Unavailable
from handlers.chatbot import Unrecorded, send_chat_messages
from persistence.uow import Transaction, Uow
from schemas.chatbot.records import ChatDelivery, DeliveryState
from tests.build.chatbot import NOON, chat
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender


class Outage:
    """A database that is there, and is not when a test says so."""

    def __init__(self, uow: Uow) -> None:
        self._uow = uow
        self.is_away = False

    @asynccontextmanager
    async def uow(self) -> AsyncIterator[Transaction]:
        if self.is_away:
            raise Unavailable("the database is away")
        async with self._uow() as tx:
            yield tx

    def begin(self) -> None:
        self.is_away = True


async def test_a_call_that_ended_in_an_outage_is_recorded_after_it(uow: Uow) -> None:
    outage, sender, unrecorded = Outage(uow), FakeSender(), Unrecorded()
    clock = FakeClock(NOON + timedelta(microseconds=123_456))  # finer than SQL keeps
    sender.watch = outage.begin
    with pytest.raises(Unavailable):
        await send_chat_messages(chat(), outage.uow, sender, clock, unrecorded)
    outage.is_away = False
    clock.forward(seconds=9)
    await send_chat_messages(chat(), outage.uow, sender, clock, unrecorded)
    assert await stored(uow) == ["sent"]
    assert len(sender.sent) == 1


async def stored(uow: Uow) -> list[str]:
    async with uow() as tx:
        found: list[ChatDelivery] = [each for state in DeliveryState for each in await tx.deliveries.listed(state, 10)]
    return [each.state.value for each in found]
