"""A schedule publisher on fakes, its clock and what it has told."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from publishers.clockwork import Pace, Polling
from publishers.schedules.judgement import Policy
from publishers.schedules.politeness import Politeness
from publishers.schedules.publisher import SchedulePublisher
from publishers.schedules.renderer import Renderer
from schemas.chatbot.records import Schedule
from tests.build.chatbot import NOON
from tests.fakes.chatbot_uow import ChatUow
from tests.fakes.clock import FakeClock
from tests.fakes.publisher import FakePublisher

LEASE_OVER = 61


class World:
    """A schedule publisher and all it reaches."""

    def __init__(
        self, *, policy: Policy | None = None, renderer: Renderer | None = None, batch_size: int = 500
    ) -> None:
        self.uow, self.broker, self.clock = ChatUow(), FakePublisher(), FakeClock(NOON)
        self.policy = policy or Policy()
        self.renderer = renderer or Renderer()
        self.polling = Polling(batch_size=batch_size, pace=Pace(longest=timedelta(milliseconds=20)))
        self.publisher = self.another()

    def another(self) -> SchedulePublisher:
        return SchedulePublisher(
            self.uow, self.broker, self.clock, policy=self.policy, renderer=self.renderer, polling=self.polling
        )

    async def drain(self, publisher: SchedulePublisher | None = None) -> None:
        while await (publisher or self.publisher).pass_once():
            pass

    def row(self, schedule: Schedule) -> Schedule:
        return self.uow.tx.schedules.rows[schedule.id]

    def change_sample(self, schedule: Schedule, **changes: Any) -> None:
        samples = self.uow.tx.schedules.samples
        samples[schedule.sample_id] = replace(samples[schedule.sample_id], **changes)

    @property
    def tasks(self) -> list[dict[str, Any]]:
        return [task for message in self.broker.published for task in json.loads(message.body)]


def polite(**settings: Any) -> World:
    return World(policy=Policy(politeness=Politeness.parse(**settings)))


def day_of(world: World, schedule: Schedule) -> tuple[str, Any]:
    owner = world.uow.tx.schedules.samples[schedule.sample_id]
    return owner.platform_creator_id or "", NOON.date()
