"""Rows that others wrote are named to a worker, under a lease, and again where that was not confirmed."""

import json
from datetime import timedelta

import pytest

from brokers.verdict import Unavailable
from publishers.clockwork import Polling
from publishers.marketing_events import MarketingEventsPoller
from tests.build.chatbot import NOON
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import FakePublisher
from tests.fakes.relay_uow import PollersUow


class Relay:
    """A poller with its world, in which rows with these numbers wait."""

    def __init__(self, *waiting: int) -> None:
        self.uow, self.broker, self.clock = PollersUow(), FakePublisher(), FakeClock(NOON)
        self.uow.tx.events.waiting = dict.fromkeys(waiting)
        polling = Polling(batch_size=2, lease=timedelta(seconds=25))
        self.poller = MarketingEventsPoller(self.uow, self.broker, self.clock, polling)

    @property
    def told(self) -> list[list[int]]:
        return [json.loads(message.body)["ids"] for message in self.broker.published]


async def test_rows_are_named_a_batch_a_message() -> None:
    relay = Relay(1, 2, 3)
    assert [await relay.poller.pass_once() for _ in range(3)] == [2, 1, 0]
    assert relay.told == [[1, 2], [3]]
    assert {message.key for message in relay.broker.published} == {"relay.events.adopt"}


async def test_no_transaction_is_open_while_the_broker_is_waited_for() -> None:
    relay = Relay(1)
    seen = []
    relay.broker.watch = lambda: seen.append(relay.uow.is_open)
    await relay.poller.pass_once()
    assert seen == [False]


async def test_rows_whose_message_was_not_confirmed_are_named_again_after_their_lease() -> None:
    relay = Relay(1)
    relay.broker.is_away = True
    with pytest.raises(Unavailable):
        await relay.poller.pass_once()
    relay.broker.is_away = False
    assert await relay.poller.pass_once() == 0
    relay.clock.forward(seconds=26)
    assert await relay.poller.pass_once() == 1
    assert relay.told == [[1]]
