"""What the broker must hold, as plain values, and the call that makes it so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiormq.abc


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange; what it cannot route goes to its alternate exchange."""

    name: str
    type: str = "topic"
    alternate: str | None = "mesh.unrouted"

    @property
    def arguments(self) -> dict[str, Any]:
        """The declaration's arguments."""
        return {"alternate-exchange": self.alternate} if self.alternate else {}


@dataclass(frozen=True, slots=True)
class QueueDeclaration:
    """A durable queue as the broker knows it."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Binding:
    """From an exchange to a queue, or to another exchange."""

    source: str
    destination: str
    key: str
    to_exchange: bool = False


@dataclass(frozen=True, slots=True)
class Declaration:
    """Everything one broker must hold."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[QueueDeclaration, ...]
    bindings: tuple[Binding, ...]

    async def apply(self, channel: aiormq.abc.AbstractChannel) -> None:
        """Declare what is missing; an equal declaration changes nothing.

        Raises aiormq's ChannelPreconditionFailed where something of that name exists with other arguments.
        """
        for exchange in self.exchanges:
            await channel.exchange_declare(
                exchange.name, exchange_type=exchange.type, durable=True, arguments=exchange.arguments
            )
        for queue in self.queues:
            await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
        for binding in self.bindings:
            await bind(channel, binding)


async def bind(channel: aiormq.abc.AbstractChannel, binding: Binding) -> None:
    """Make one binding; one that exists stays as it is."""
    if binding.to_exchange:
        await channel.exchange_bind(binding.destination, binding.source, routing_key=binding.key)
    else:
        await channel.queue_bind(binding.destination, binding.source, routing_key=binding.key)
