"""What transactions said reaches the broker, in order, and leaves the outbox only when confirmed."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from brokers.outgoing import Outgoing
from brokers.unconfirmed import Unroutable
from brokers.verdict import Conflict, Unavailable
from publishers.clockwork import Polling
from publishers.outbox import OutboxRelay
from tests.build.chatbot import NOON
from tests.fakes.chatbot_uow import ChatUow
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import FakePublisher


class Relay:
    """A relay with its world."""

    def __init__(self) -> None:
        self.uow, self.broker, self.clock = ChatUow(), FakePublisher(), FakeClock(NOON)
        self.relay = self.another()

    def another(self) -> OutboxRelay:
        return OutboxRelay(self.uow, self.broker, self.clock, Polling(batch_size=3))

    async def say(self, *ids: str) -> None:
        await self.uow.tx.outbox.add([said(each) for each in ids])

    @property
    def left(self) -> list[str]:
        return [message.message_id for message in self.uow.tx.outbox.messages]

    @property
    def published(self) -> list[str]:
        return [message.message_id for message in self.broker.published]


def said(message_id: str) -> Outgoing:
    return Outgoing(exchange="samples.topic", key="samples.x", body=b"{}", message_id=message_id, timestamp=NOON)


@pytest.fixture
def world() -> Relay:
    return Relay()


async def test_rows_are_published_in_order_in_batches_and_deleted(world: Relay) -> None:
    await world.say("1", "2", "3", "4")
    assert [await world.relay.pass_once() for _ in range(3)] == [3, 1, 0]
    assert (world.published, world.left) == (["1", "2", "3", "4"], [])


async def test_no_transaction_is_open_while_the_broker_is_waited_for(world: Relay) -> None:
    await world.say("1")
    seen = []
    world.broker.watch = lambda: seen.append(world.uow.is_open)
    await world.relay.pass_once()
    assert seen == [False]


async def test_with_the_broker_away_rows_stay_and_leave_once_it_is_back(world: Relay) -> None:
    await world.say("1", "2")
    world.broker.is_away = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            await world.relay.pass_once()
    assert world.left == ["1", "2"]
    world.broker.is_away = False
    await world.relay.pass_once()
    assert (world.published, world.left) == (["1", "2"], [])


async def test_only_the_unconfirmed_rows_of_a_batch_stay(world: Relay) -> None:
    await world.say("1", "2", "3")
    world.broker.refuses = lambda message: Unavailable("nack") if message.message_id == "2" else None
    with pytest.raises(Unavailable):
        await world.relay.pass_once()
    assert world.left == ["2"]


async def test_a_message_that_the_broker_refuses_holds_up_nobody_and_comes_again_after_its_lease(world: Relay) -> None:
    await world.say("1", "2")
    world.broker.refuses = lambda message: Unroutable("nothing bound") if message.message_id == "1" else None
    assert await world.relay.pass_once() == 2
    assert (await world.relay.pass_once(), world.left) == (0, ["1"])
    world.broker.refuses = lambda _: None
    world.clock.forward(seconds=61)
    await world.relay.pass_once()
    assert world.published == ["2", "1"]


async def test_two_relays_never_publish_the_same_row(world: Relay) -> None:
    await world.say(*map(str, range(6)))
    other = world.another()
    world.uow.losses = [None, None]
    assert [await world.relay.pass_once(), await other.pass_once(), await world.relay.pass_once()] == [3, 3, 0]
    assert sorted(world.published) == sorted(set(world.published))


async def test_a_crash_between_confirm_and_delete_repeats_under_the_same_id_after_the_lease(world: Relay) -> None:
    await world.say("1")
    world.uow.losses = [None, Unavailable("the database went away")]
    with pytest.raises(Unavailable):
        await world.relay.pass_once()
    assert await world.relay.pass_once() == 0
    world.clock.forward(seconds=61)
    await world.relay.pass_once()
    assert (world.published, world.left) == (["1", "1"], [])


async def test_a_lost_race_after_the_confirm_is_settled_at_once(world: Relay) -> None:
    await world.say("1")
    world.uow.losses = [None, Conflict("deadlock")]
    await world.relay.pass_once()
    assert (world.published, world.left) == (["1"], [])


async def test_the_backlog_is_measured(world: Relay) -> None:
    await world.say("1", "2")
    world.clock.now += timedelta(seconds=30)
    await world.relay.pass_once()
    assert REGISTRY.get_sample_value("mesh_outbox_lag_seconds") == 30
