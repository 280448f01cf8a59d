"""Builders of samples with schedules, and of chat messages in hand."""

import itertools
from datetime import UTC, datetime
from typing import Any

from brokers.delivery import Delivery
from handlers.chatbot import Unrecorded, send_chat_messages
from schemas.chatbot.messages import SendChatMessages
from schemas.chatbot.records import ChatDelivery, Scenario, Schedule
from schemas.samples.records import Sample
from tests.fakes.chatbot_uow import ChatUow
from tests.fakes.clock import FakeClock
from tests.fakes.sender import FakeSender

NOON = datetime(2026, 1, 12, 18, 0, tzinfo=UTC)  # in Mexico City
VIDEO: list[dict[str, Any]] = [{"type": "video", "promotion_name": "Mi rutina", "promotion_time": "2026-01-09"}]

#: A sample of which each scenario is true.
TRUE_OF: dict[Scenario, dict[str, Any]] = {
    Scenario.SHIPPED: {"status": "Shipped"},
    Scenario.CONTENT_PENDING: {"status": "Content pending"},
    Scenario.NO_CONTENT_POSTED: {"status": "Completed"},
    Scenario.MISSING_AD_CODE: {"status": "Completed", "content_summary": VIDEO},
}
_numbers = itertools.count(1)


def sample(**changes: Any) -> Sample:
    number = next(_numbers)
    fields: dict[str, Any] = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "region": "MX",
        "platform_product_id": "1729400000000000011",
        "campaign_key": "",
        "creator_key": f"creator-{number}",
        "observed_at": NOON,
        "creator_id": "operator",
        "creation_time": NOON,
        "last_modifier_id": "operator",
        "last_modification_time": NOON,
        "status": "Completed",
        "product_name": "Mascarilla de arcilla",
        "platform_creator_id": f"7495{number:014d}",
        "platform_creator_display_name": "Lupita",
    }
    return Sample(**fields | changes)


def schedule(of: Sample, scenario: Scenario = Scenario.NO_CONTENT_POSTED, **changes: Any) -> Schedule:
    repeats = scenario in {Scenario.NO_CONTENT_POSTED, Scenario.MISSING_AD_CODE}
    fields: dict[str, Any] = {
        "id": f"11111111-0000-4000-8000-{next(_numbers):012d}",
        "sample_id": of.id,
        "scenario": scenario,
        "region": of.region,
        "interval_days": {Scenario.NO_CONTENT_POSTED: 5, Scenario.MISSING_AD_CODE: 3}.get(scenario),
        "max_runs": 4 if repeats else 1,
        "run_count": 0,
        "next_run_time": NOON,
        "last_run_time": None,
        "active": True,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Schedule(**fields | changes)


def due(uow: ChatUow, *scenarios: Scenario, of: Sample | None = None, **changes: Any) -> list[Schedule]:
    """Store a sample and a due schedule of it for each scenario (one reminder of missing content, if none is named)."""
    wanted = scenarios or (Scenario.NO_CONTENT_POSTED,)
    owner = of or sample(**{name: value for each in wanted for name, value in TRUE_OF[each].items()})
    uow.tx.schedules.samples[owner.id] = owner
    stored = [schedule(owner, scenario, **changes) for scenario in wanted]
    uow.tx.schedules.rows |= {each.id: each for each in stored}
    return stored


def chat(*tasks: dict[str, Any], **changes: Any) -> Delivery[SendChatMessages]:
    message = SendChatMessages.model_validate(list(tasks) or [task()])
    fields: dict[str, Any] = {
        "message": message,
        "message_id": "018f-message",
        "is_derived": False,
        "key": "chatbot.sample.batch",
        "observed_at": NOON,
        "raw": message.model_dump_json(exclude_none=True).encode(),
    }
    return Delivery(**fields | changes)


def task(**changes: Any) -> dict[str, Any]:
    fields = {"platformCreatorId": "7495000000000000321", "region": "MX", "messages": [{"content": "Hola Lupita"}]}
    return fields | changes


class Chatbot:
    """The consumer of chat batches with its world."""

    def __init__(self) -> None:
        self.uow, self.sender, self.clock = ChatUow(), FakeSender(), FakeClock(NOON)
        self.unrecorded = Unrecorded()

    async def receive(self, delivery: Delivery[SendChatMessages]) -> None:
        await send_chat_messages(delivery, self.uow, self.sender, self.clock, self.unrecorded)

    @property
    def deliveries(self) -> list[ChatDelivery]:
        return list(self.uow.tx.deliveries.rows.values())

    @property
    def states(self) -> list[str]:
        return [delivery.state.value for delivery in self.deliveries]

    def fail(self, creator: str, failure: BaseException) -> None:
        self.sender.fails = lambda task: failure if task.platform_creator_id == creator else None

    def lose_database(self) -> None:
        self.uow.is_away = True

    def heal(self) -> None:
        self.sender.fails = lambda _: None
