"""Destinations with something due are woken, each once in a while."""

import json

import pytest

from brokers.verdict import Unavailable
from publishers.deliveries import WOKEN_FOR, DeliveriesPoller
from tests.build.chatbot import NOON
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import FakePublisher
from tests.fakes.relay_uow import PollersUow


class Relay:
    """A poller with its world, in which something is due to these destinations."""

    def __init__(self, *due: int) -> None:
        self.uow, self.broker, self.clock = PollersUow(), FakePublisher(), FakeClock(NOON)
        self.uow.tx.destinations.with_due = set(due)
        self.poller = DeliveriesPoller(self.uow, self.broker, self.clock)

    @property
    def woken(self) -> list[int]:
        return [json.loads(message.body)["destinationId"] for message in self.broker.published]


async def test_each_destination_with_something_due_is_woken() -> None:
    relay = Relay(3, 1)
    assert await relay.poller.pass_once() == 2
    assert relay.woken == [1, 3]
    assert {message.key for message in relay.broker.published} == {"relay.deliveries.send"}


async def test_who_was_just_woken_is_left_in_peace() -> None:
    relay = Relay(1)
    assert [await relay.poller.pass_once() for _ in range(2)] == [1, 0]
    relay.clock.forward(seconds=WOKEN_FOR.total_seconds())
    assert await relay.poller.pass_once() == 1


async def test_a_wake_up_that_was_not_confirmed_is_sent_again() -> None:
    relay = Relay(1)
    relay.broker.is_away = True
    with pytest.raises(Unavailable):
        await relay.poller.pass_once()
    relay.broker.is_away = False
    relay.clock.forward(seconds=WOKEN_FOR.total_seconds())
    await relay.poller.pass_once()
    assert relay.woken == [1]


async def test_no_transaction_is_open_while_the_broker_is_waited_for() -> None:
    relay = Relay(1)
    seen = []
    relay.broker.watch = lambda: seen.append(relay.uow.is_open)
    await relay.poller.pass_once()
    assert seen == [False]
