"""The vocabulary of the topology page: what can be said about a queue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long a `Retryable` message is tried again; both bounds hold.

    Delays grow exponentially from `first` to `longest` with full jitter.
    """

    attempts: int = 8
    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=30)
    horizon: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Group commit: a handler takes up to `size` messages, or those there are once the oldest has waited for `linger`.

    Bodies of more than `max_bytes` together make a smaller group: a transaction should stay short.
    """

    size: int = 500
    max_bytes: int = 1024 * 1024  # about 1,000 sample rows; more gains no speed and costs memory
    linger: timedelta = timedelta(milliseconds=10)


@dataclass(frozen=True, slots=True)
class Queue:
    """A quorum queue on its domain's topic exchange, with its dead-letter queue and policies.

    `message` is anything pydantic's TypeAdapter validates the JSON body as. `bindings` are the routing keys that lead
    here, by default the queue's own name. `key_of` names the business key of a message (a conversation, a job):
    messages of one key are handled one at a time and in order inside a process. With `partitions` the queue is split
    into `name.0 …`, each consumed by one process at a time, and publishers choose by a stable hash of that key, which
    keeps the order across processes too. `listens_to` names the domain whose events the queue is told of, where that is
    not its own.
    """

    name: str
    message: Any
    bindings: tuple[str, ...] = ()
    retry: Retry = field(default_factory=Retry)
    prefetch: int = 100
    concurrency: int = 10
    batch: Batch | None = None
    partitions: int = 0
    key_of: Callable[[Any], str] | None = None
    listens_to: str = ""

    @property
    def domain(self) -> str:
        """The first word of the name."""
        return self.name.partition(".")[0]

    @property
    def exchange(self) -> str:
        """The topic exchange its bindings are on."""
        return f"{self.listens_to or self.domain}.topic"

    @property
    def keys(self) -> tuple[str, ...]:
        """The routing keys that lead here."""
        return self.bindings or (self.name,)

    @property
    def dead(self) -> str:
        """The queue that keeps what could not be handled."""
        return f"{self.name}.dead"

    @property
    def physical_names(self) -> tuple[str, ...]:
        """The queues as the broker knows them: one, or one a partition."""
        return tuple(f"{self.name}.{i}" for i in range(self.partitions)) or (self.name,)

    def routing_key(self, message: Any) -> str:
        """Return the key that brings one of our own messages here: to its partition, where there are partitions."""
        if not self.partitions or self.key_of is None:
            return self.name
        return f"{self.name}.{self.partition_of(self.key_of(message))}"

    def partition_of(self, partition_key: str) -> int:
        """Return the partition of a key; the same in every process and on every machine."""
        return crc32(partition_key.encode()) % self.partitions
