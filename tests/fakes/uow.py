"""A database in memory, one class a repository; a block that raises leaves it as it was."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from brokers.delivery import Delivery
from brokers.outgoing import Outgoing, outgoing
from schemas.base import Message
from schemas.chatbot.records import Scenario, Schedule
from schemas.samples.records import Sample, SampleContent, SampleContentCrawlLog, SampleCrawlLog, SampleKey


@dataclass
class FakeSamples:
    stored: dict[SampleKey, Sample] = field(default_factory=dict)
    logs: dict[str, SampleCrawlLog] = field(default_factory=dict)
    contents: dict[tuple[str, str], SampleContent] = field(default_factory=dict)
    content_logs: dict[str, SampleContentCrawlLog] = field(default_factory=dict)

    async def find(self, keys: Collection[SampleKey]) -> dict[SampleKey, Sample]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    async def add(self, samples: Sequence[Sample]) -> None:
        for sample in samples:
            assert sample.key not in self.stored, f"{sample.key} is there already"
            self.stored[sample.key] = sample

    async def save(self, samples: Sequence[Sample]) -> None:
        for sample in samples:
            assert self.stored[sample.key].id == sample.id
            self.stored[sample.key] = sample

    async def log(self, entries: Sequence[SampleCrawlLog]) -> None:
        for entry in entries:
            assert entry.id not in self.logs, "a log is written twice"
            self.logs[entry.id] = entry

    async def logged(self, fingerprints: Collection[str], crawl_date: date) -> set[str]:
        seen = {log.fingerprint for log in self.logs.values() if log.crawl_date == crawl_date}
        return seen & set(fingerprints)

    async def upsert_contents(self, contents: Sequence[SampleContent]) -> None:
        for content in contents:
            key = (content.sample_id, content.content_key)
            known = self.contents.get(key)
            if known is None:
                self.contents[key] = content
            elif content.observed_at >= known.observed_at:
                self.contents[key] = replace(
                    content, id=known.id, creator_id=known.creator_id, creation_time=known.creation_time
                )

    async def log_contents(self, entries: Sequence[SampleContentCrawlLog]) -> None:
        for entry in entries:
            assert entry.id not in self.content_logs, "a log is written twice"
            self.content_logs[entry.id] = entry


@dataclass
class FakeSchedules:
    stored: dict[tuple[str, Scenario], Schedule] = field(default_factory=dict)
    #: How often each was written, to see churn.
    writes: int = 0

    async def find(self, sample_ids: Collection[str]) -> dict[tuple[str, Scenario], Schedule]:
        return {key: schedule for key, schedule in self.stored.items() if key[0] in sample_ids}

    async def save(self, schedules: Sequence[Schedule]) -> None:
        for schedule in schedules:
            self.writes += 1
            self.stored[schedule.sample_id, schedule.scenario] = schedule


@dataclass
class FakeInbox:
    claimed: set[str] = field(default_factory=set)

    async def claim(self, message_id: str, *, is_derived: bool = False) -> bool:  # noqa: ARG002  how long it is kept is SQL's affair
        is_new = message_id not in self.claimed
        self.claimed.add(message_id)
        return is_new

    async def claim_all(self, deliveries: Sequence[Delivery[Any]]) -> set[str]:
        new = {delivery.message_id for delivery in deliveries} - self.claimed
        self.claimed |= new
        return new


@dataclass
class FakeOutbox:
    messages: list[Outgoing] = field(default_factory=list)

    async def add(self, messages: Sequence[Outgoing]) -> None:
        self.messages.extend(messages)


@dataclass
class FakeTransaction:
    samples: FakeSamples = field(default_factory=FakeSamples)
    schedules: FakeSchedules = field(default_factory=FakeSchedules)
    inbox: FakeInbox = field(default_factory=FakeInbox)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)

    async def send(self, message: Message, **properties: Any) -> None:
        await self.outbox.add([outgoing(message, **properties)])

    async def send_all(self, messages: Iterable[Message | Outgoing]) -> None:
        await self.outbox.add([each if isinstance(each, Outgoing) else outgoing(each) for each in messages])


@dataclass
class FakeUow:
    """Called for a block; `tx` is what has been committed, and what the block works on."""

    tx: FakeTransaction = field(default_factory=FakeTransaction)
    commits: int = 0

    def __call__(self) -> Any:
        return self._transaction()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[FakeTransaction]:
        before = _state(self.tx)
        try:
            yield self.tx
        except BaseException:
            _restore(self.tx, before)
            raise
        self.commits += 1


def _state(tx: Any) -> dict[Any, dict[str, Any]]:
    """Copy the collections of every repository one level deep: what they hold is immutable."""
    return {name: {attr: copy(value) for attr, value in vars(repo).items()} for name, repo in vars(tx).items()}


def _restore(tx: Any, state: dict[Any, dict[str, Any]]) -> None:
    for name, attributes in state.items():
        vars(getattr(tx, name)).update(attributes)
