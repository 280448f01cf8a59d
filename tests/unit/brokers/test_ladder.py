from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers import declare, ladder, topology
from brokers.ladder import ladder_address, level

DECLARED = declare.whole(topology.DOMAINS, topology.QUEUES)


def _matches(pattern: str, key: str) -> bool:
    """Match a topic pattern as RabbitMQ does."""
    if not pattern:
        return not key
    words, rest = pattern.split("."), key.split(".")
    for index, word in enumerate(words):
        if word == "#":
            return True
        if index >= len(rest) or (word not in ("*", rest[index])):
            return False
    return len(words) == len(rest)


def _travel(exchange: str, key: str) -> tuple[list[str], int]:
    """Follow a message through the declared bindings; return the queues it ends in and the seconds it waited."""
    ttl = {queue.name: queue.arguments.get("x-message-ttl", 0) for queue in DECLARED.queues}
    below = {queue.name: queue.arguments.get("x-dead-letter-exchange", "") for queue in DECLARED.queues}
    waited = 0
    while True:
        taken = [each for each in DECLARED.bindings if each.source == exchange and _matches(each.key, key)]
        if any(each.to_exchange for each in taken):
            (only,) = taken
            exchange = only.destination
            continue
        names = [each.destination for each in taken]
        if not any(name.startswith("mesh.delay") for name in names):
            return names, waited // 1000
        (name,) = names
        waited += ttl[name]
        exchange = below[name]


@pytest.mark.parametrize("queue", [name for queue in topology.QUEUES for name in queue.physical_names])
@given(seconds=st.integers(1, 2**ladder.LEVELS - 1))
def test_every_delay_is_waited_exactly_and_ends_in_its_queue_alone(queue: str, seconds: int) -> None:
    exchange, key = ladder_address(queue, timedelta(seconds=seconds))
    assert _travel(exchange, key) == ([queue], seconds)


@pytest.mark.parametrize(("asked", "held"), [(0, 1), (0.2, 1), (1.1, 2), (10**9, 2**17 - 1)])
def test_delays_are_whole_seconds_within_the_ladder(asked: float, held: int) -> None:
    exchange, key = ladder_address("samples.ingest", timedelta(seconds=asked))
    assert _travel(exchange, key)[1] == held


def test_a_message_enters_at_its_highest_bit() -> None:
    assert ladder_address("q", timedelta(seconds=137))[0] == level(7)
