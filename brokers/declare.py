"""From the topology page to declarations: what each queue needs around it."""

from collections.abc import Iterable, Iterator

from brokers import ladder
from brokers.declaration import Binding, Declaration, Exchange, QueueDeclaration
from brokers.queue import Queue

DEAD = "mesh.dead"
UNROUTED = "mesh.unrouted"
DELIVERY_LIMIT = 20  # a message that kills its consumer this often is parked by the broker; RabbitMQ 4's own default

# A dead letter may be looked at any number of times: RabbitMQ 4 would otherwise drop it after 20 looks.
DEAD_DELIVERY_LIMIT = 1_000_000


def whole(domains: Iterable[str], queues: Iterable[Queue]) -> Declaration:
    """Return the declaration of the whole mesh: domain exchanges, ladder, dead letters, strays and queues."""
    listed = tuple(queues)
    return Declaration(
        exchanges=(
            Exchange(UNROUTED, type="fanout", alternate=None),
            Exchange(DEAD),
            *(Exchange(f"{domain}.topic") for domain in domains),
            *ladder.exchanges(),
        ),
        queues=(_kept(UNROUTED), *ladder.queues(), *(each for queue in listed for each in _queues(queue))),
        bindings=(
            Binding(UNROUTED, UNROUTED, ""),
            *ladder.bindings(),
            *(each for queue in listed for each in _bindings(queue)),
        ),
    )


def one(queue: Queue) -> Declaration:
    """Return what a consumer declares again before it consumes, in case its queue was deleted."""
    return Declaration(exchanges=(), queues=tuple(_queues(queue)), bindings=tuple(_bindings(queue)))


def _kept(name: str) -> QueueDeclaration:
    return QueueDeclaration(name, {"x-queue-type": "quorum", "x-delivery-limit": DEAD_DELIVERY_LIMIT})


def _queues(queue: Queue) -> Iterator[QueueDeclaration]:
    yield _kept(queue.dead)
    for name in queue.physical_names:
        arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD,
            "x-dead-letter-routing-key": queue.name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        }
        if queue.partitions:
            arguments["x-single-active-consumer"] = True
        yield QueueDeclaration(name, arguments)


def _bindings(queue: Queue) -> Iterator[Binding]:
    yield Binding(DEAD, queue.dead, queue.name)
    for name in queue.physical_names:
        for key in queue.keys:
            yield Binding(queue.exchange, name, key + name.removeprefix(queue.name))
        yield ladder.exit_binding(name)
