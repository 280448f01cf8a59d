"""What the broker holds against what the topology page declares, and the way from one to the other."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import aiormq
from aiormq.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed, MethodNotImplemented

from brokers.declaration import Declaration, Exchange, QueueDeclaration
from brokers.link import Link
from brokers.verdict import Verdict

#: Each gateway's own, gone with its connection; and what workers are counted by, gone with the last of them.
EPHEMERAL = ("mesh.answers.", "mesh.workers.")

Probe = Callable[[aiormq.Channel], Awaitable[None]]


class State(StrEnum):
    """How one declared thing stands."""

    EQUAL = "equal"
    MISSING = "missing"
    DIFFERENT = "different"
    UNDECLARED = "undeclared"


class Refused(Verdict):
    """The change would lose messages or somebody else's bindings, so it is left to a person."""


@dataclass(frozen=True, slots=True)
class Step:
    """One declared exchange or queue and what applying the plan would do to it."""

    kind: str
    name: str
    state: State
    messages: int = 0

    @property
    def action(self) -> str:
        """What `apply` does about it."""
        if self.state is State.EQUAL:
            return "nothing"
        if self.state is State.MISSING:
            return "create"
        if self.state is State.UNDECLARED:
            return "nothing: holds messages" if self.messages else "delete, with --prune"
        if self.kind == "queue" and not self.messages:
            return "delete the empty queue and create it anew"
        return "refuse"


class Topology:
    """Compares and applies over plain AMQP, so that no management plugin is needed."""

    def __init__(self, link: Link, declaration: Declaration) -> None:
        self._link = link
        self._declaration = declaration

    async def plan(self) -> list[Step]:
        """Return one step a declared exchange and queue; nothing on the broker changes."""
        exchanges = [await self._exchange(exchange) for exchange in self._declaration.exchanges]
        return exchanges + [await self._queue(queue) for queue in self._declaration.queues]

    async def apply(self) -> list[Step]:
        """Create what is missing and make bindings; return the steps taken.

        A queue that is declared differently is replaced if it is empty. Raises Refused, before anything changes, for
        one that holds messages and for an exchange.
        """
        steps = await self.plan()
        if refused := [step for step in steps if step.action == "refuse"]:
            raise Refused(_why(refused))
        for step in steps:
            if step.state is State.DIFFERENT:
                await self._delete_empty(step.name)
        channel = await self._link.channel()
        try:
            await self._declaration.apply(channel)
        finally:
            await channel.close()
        return [step for step in steps if step.state is not State.EQUAL]

    def undeclared(self, found: Mapping[str, int]) -> list[Step]:
        """Return a step for each queue in our name that the code no longer declares; `found` is messages by queue."""
        ours = {exchange.name.removesuffix(".topic") for exchange in self._declaration.exchanges} | {"mesh"}
        declared = {queue.name for queue in self._declaration.queues}
        return [
            Step("queue", name, State.UNDECLARED, messages)
            for name, messages in sorted(found.items())
            if name.partition(".")[0] in ours and name not in declared and not name.startswith(EPHEMERAL)
        ]

    async def prune(self, steps: Iterable[Step]) -> list[Step]:
        """Delete undeclared queues that are empty; return those that went. Raises Refused for one that is in use."""
        gone = [step for step in steps if step.state is State.UNDECLARED and not step.messages]
        for step in gone:
            await self._delete_empty(step.name, only_unused=True)
        return gone

    async def _exchange(self, exchange: Exchange) -> Step:
        async def passive(channel: aiormq.Channel) -> None:
            await channel.exchange_declare(exchange.name, exchange_type=exchange.type, passive=True)

        async def active(channel: aiormq.Channel) -> None:
            await channel.exchange_declare(
                exchange.name, exchange_type=exchange.type, durable=True, arguments=exchange.arguments
            )

        return Step("exchange", exchange.name, await self._state(passive, active))

    async def _queue(self, queue: QueueDeclaration) -> Step:
        messages = 0

        async def passive(channel: aiormq.Channel) -> None:
            nonlocal messages
            messages = int((await channel.queue_declare(queue.name, passive=True)).message_count or 0)

        async def active(channel: aiormq.Channel) -> None:
            await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))

        state = await self._state(passive, active)
        return Step("queue", queue.name, state, messages)

    async def _state(self, passive: Probe, active: Probe) -> State:
        """Look passively first: an active declaration of something missing would create it."""
        if not await self._succeeds(passive, ChannelNotFoundEntity):
            return State.MISSING
        if not await self._succeeds(active, ChannelPreconditionFailed):
            return State.DIFFERENT
        return State.EQUAL

    async def _succeeds(self, probe: Probe, refusal: type[Exception]) -> bool:
        channel = await self._link.channel()
        try:
            await probe(channel)
        except refusal:
            return False  # the broker has closed the channel
        await channel.close()
        return True

    async def _delete_empty(self, name: str, *, only_unused: bool = False) -> None:
        channel = await self._link.channel()
        try:
            await channel.queue_delete(name, if_empty=True, if_unused=only_unused)
        except (ChannelPreconditionFailed, MethodNotImplemented) as error:
            raise Refused(f"queue {name} is in use or no longer empty: drain it, then apply again") from error
        await channel.close()


def _why(refused: Iterable[Step]) -> str:
    lines = [
        f"queue {step.name} is declared with other arguments and holds {step.messages} messages: let its consumers "
        "empty it, then apply again"
        if step.kind == "queue"
        else f"exchange {step.name} is declared with other arguments: delete it when no publisher needs it, then apply"
        for step in refused
    ]
    return "\n".join(lines)
