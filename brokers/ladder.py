"""The delay ladder: any delay up to 36 hours, in steps of a second, held by the broker and not by a worker.

Level queue *i* keeps a message for 2^i seconds and dead-letters it to the exchange of the level below. The routing
key carries the delay in binary, highest bit first, and then the target queue: a 1 means "wait on this level", a 0
"pass on". NServiceBus published this layout:
https://docs.particular.net/transports/rabbitmq/delayed-delivery
"""

from collections.abc import Iterator
from datetime import timedelta
from math import ceil

from brokers.declaration import Binding, Exchange, QueueDeclaration

LEVELS = 17  # 2^17 - 1 seconds are 36.4 hours; longer timers are rows in SQL
LONGEST = timedelta(seconds=2**LEVELS - 1)
DELIVER = "mesh.delay.deliver"


def level(index: int) -> str:
    """Return the name shared by a level's exchange and its queue."""
    return f"mesh.delay.{index:02d}"


def ladder_address(queue: str, delay: timedelta) -> tuple[str, str]:
    """Return the exchange and routing key that bring a message to `queue` after `delay`.

    The delay is rounded up to whole seconds, at least one and at most `LONGEST`.
    """
    seconds = min(max(ceil(delay.total_seconds()), 1), 2**LEVELS - 1)
    bits = f"{seconds:0{LEVELS}b}"
    return level(seconds.bit_length() - 1), ".".join([*bits, queue])


def exchanges() -> Iterator[Exchange]:
    """Yield the exchange of each level and the one that delivers."""
    for index in range(LEVELS):
        yield Exchange(level(index))
    yield Exchange(DELIVER)


def queues() -> Iterator[QueueDeclaration]:
    """Yield the queue of each level."""
    for index in range(LEVELS):
        yield QueueDeclaration(
            level(index),
            {
                "x-queue-type": "quorum",
                "x-message-ttl": 1000 * 2**index,
                "x-dead-letter-exchange": _below(index),
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            },
        )


def bindings() -> Iterator[Binding]:
    """Yield, for each level, where a 1 and where a 0 at its place in the key leads."""
    for index in range(LEVELS):
        place = "*." * (LEVELS - 1 - index)
        yield Binding(level(index), level(index), f"{place}1.#")
        yield Binding(level(index), _below(index), f"{place}0.#", to_exchange=True)


def exit_binding(queue: str) -> Binding:
    """Return the binding by which the ladder lets messages out into `queue`."""
    return Binding(DELIVER, queue, "*." * LEVELS + queue)


def _below(index: int) -> str:
    return level(index - 1) if index else DELIVER
