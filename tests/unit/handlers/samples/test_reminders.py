"""Which reminders start, resume and end, as the status and contents of a sample change; time is ours."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from handlers.samples import ingest_samples
from schemas.chatbot.records import Scenario, Schedule
from tests.build.samples import NOON, delivery, row, video
from tests.fakes.uow import FakeUow

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
CONTENT_PENDING, MISSING, NO_CONTENT, SHIPPED = (
    Scenario.CONTENT_PENDING,
    Scenario.MISSING_AD_CODE,
    Scenario.NO_CONTENT_POSTED,
    Scenario.SHIPPED,
)


class World:
    """A database, a clock, and a publisher that sends whatever is due the moment it is asked."""

    def __init__(self) -> None:
        self.uow = FakeUow()
        self.now = NOON

    @property
    def schedules(self) -> dict[Scenario, Schedule]:
        return {scenario: schedule for (_, scenario), schedule in self.uow.tx.schedules.stored.items()}

    async def crawl(self, *rows: dict[str, Any], **fields: Any) -> None:
        self.now += MINUTE
        await ingest_samples([delivery(*(rows or [row(**fields)]), at=self.now)], self.uow, lambda: self.now)

    def publish(self) -> list[Scenario]:
        """Send what is due, as the publisher would: a run counted, the next one an interval later."""
        sent = []
        for key, schedule in self.uow.tx.schedules.stored.items():
            is_due = schedule.active and schedule.next_run_time <= self.now and schedule.parked_at is None
            if not is_due or schedule.run_count >= schedule.max_runs:
                continue
            sent.append(schedule.scenario)
            runs = schedule.run_count + 1
            self.uow.tx.schedules.stored[key] = replace(
                schedule,
                run_count=runs,
                last_run_time=self.now,
                next_run_time=self.now + timedelta(days=schedule.interval_days or 0),
                active=runs < schedule.max_runs,
            )
        return sent

    async def days_of_sending(self, days: int) -> list[int]:
        """Let days pass and return on which of them something was sent."""
        start, sent = self.now, []
        for day in range(days):
            self.now = start + day * DAY
            sent += [day] * len(self.publish())
        return sent


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("status", ["Shipped", "Content pending", "To review", "Canceled"])
async def test_a_sample_seen_for_the_first_time_has_come_to_no_status(world: World, status: str) -> None:
    await world.crawl(status=status)

    assert world.schedules == {}


@pytest.mark.parametrize(("status", "scenario"), [("Shipped", SHIPPED), (" content PENDING ", CONTENT_PENDING)])
async def test_coming_to_a_status_schedules_its_message_once_and_now(
    world: World, status: str, scenario: Scenario
) -> None:
    await world.crawl(status="To review")
    await world.crawl(status=status)

    schedule = world.schedules[scenario]
    assert (schedule.interval_days, schedule.max_runs, schedule.run_count) == (None, 1, 0)
    assert (schedule.next_run_time, schedule.active, schedule.region) == (world.now, True, "MX")


async def test_shipping_is_told_once_in_the_life_of_a_sample(world: World) -> None:
    await world.crawl(status="Shipped")
    assert world.publish() == []
    await world.crawl(status="To review")
    await world.crawl(status="Shipped")
    assert world.publish() == [SHIPPED]
    await world.crawl(status="Shipped")
    assert world.publish() == []
    await world.crawl(status="Content pending")
    assert world.publish() == [CONTENT_PENDING]
    await world.crawl(status="Shipped")
    assert world.publish() == []


async def test_a_status_reached_within_one_group_counts_once(world: World) -> None:
    batch = [
        delivery(row(status=status), at=NOON + index * MINUTE)
        for index, status in enumerate(["To review", "Shipped", "Shipped", "Content pending", "Shipped"])
    ]
    await ingest_samples(batch[::-1], world.uow, lambda: world.now)

    assert sorted(world.schedules) == [CONTENT_PENDING, SHIPPED]
    assert world.uow.tx.schedules.writes == 2


async def test_a_crawl_that_comes_too_late_schedules_nothing(world: World) -> None:
    await world.crawl(status="To review")
    await ingest_samples([delivery(row(status="Shipped"), at=NOON - DAY)], world.uow, lambda: world.now)

    assert world.schedules == {}


async def test_a_completed_sample_without_content_is_reminded_four_times_five_days_apart(world: World) -> None:
    await world.crawl(status="Completed")

    assert await world.days_of_sending(40) == [0, 5, 10, 15]
    await world.crawl(status="Completed")
    assert world.publish() == []


async def test_a_parcels_journey_is_no_content(world: World) -> None:
    parcel = {"basic_info": [{"label": "Carrier", "value": "DHL"}], "timeline": [{"title": "Delivered"}]}
    await world.crawl(status="completed ", logisticsSnapshot=parcel)

    assert world.publish() == [NO_CONTENT]


async def test_content_stops_the_reminder_and_its_loss_resumes_it_in_its_rhythm(world: World) -> None:
    await world.crawl(status="Completed")
    assert await world.days_of_sending(7) == [0, 5]
    last = world.schedules[NO_CONTENT].last_run_time
    assert last is not None

    await world.crawl(video(adCode="X"))
    stopped = world.schedules[NO_CONTENT]
    await world.crawl(status="Completed")
    resumed = world.schedules[NO_CONTENT]

    assert (stopped.active, stopped.run_count) == (False, 2)
    assert (resumed.active, resumed.run_count, resumed.next_run_time) == (True, 2, last + 5 * DAY)
    assert len(await world.days_of_sending(40)) == 2


async def test_a_reminder_stopped_for_long_resumes_now(world: World) -> None:
    await world.crawl(status="Completed")
    world.publish()
    await world.crawl(video(adCode="X"))
    world.now += 30 * DAY
    await world.crawl(status="Completed")

    assert world.schedules[NO_CONTENT].next_run_time == world.now


async def test_another_status_ends_the_reminder(world: World) -> None:
    await world.crawl(status="Completed")
    await world.crawl(status="Canceled")

    assert not world.schedules[NO_CONTENT].active


async def test_a_video_without_a_code_is_reminded_four_times_three_days_apart_from_its_first_sight(
    world: World,
) -> None:
    await world.crawl(video())

    assert set(world.schedules) == {MISSING}
    assert await world.days_of_sending(40) == [0, 3, 6, 9]


@pytest.mark.parametrize("empty", [[], "", "[]", [""], " ", None])
async def test_an_empty_code_is_none_and_a_code_stops_the_reminder(world: World, empty: Any) -> None:
    await world.crawl(video(adCode=empty))
    assert world.schedules[MISSING].active

    await world.crawl(video(adCode=["CODE"]))
    assert not world.schedules[MISSING].active
    await world.crawl(video())
    assert not world.schedules[MISSING].active


async def test_a_live_needs_no_code(world: World) -> None:
    await world.crawl(video(type="live"))

    assert world.schedules == {}


async def test_a_schedule_that_stays_as_it_is_is_not_written_again(world: World) -> None:
    await world.crawl(status="Completed")
    for _ in range(3):
        await world.crawl(status="Completed")

    assert world.uow.tx.schedules.writes == 1


async def test_a_parked_reminder_stays_parked(world: World) -> None:
    await world.crawl(status="Completed")
    ((key, schedule),) = world.uow.tx.schedules.stored.items()
    parked = replace(schedule, parked_at=world.now, parked_reason="no template for ES")
    world.uow.tx.schedules.stored[key] = parked

    await world.crawl(status="Completed")
    await world.crawl(video(adCode="X"))

    assert world.schedules[NO_CONTENT] == parked


async def test_a_cap_raised_by_hand_is_not_lowered(world: World) -> None:
    await world.crawl(status="Completed")
    ((key, schedule),) = world.uow.tx.schedules.stored.items()
    world.uow.tx.schedules.stored[key] = replace(schedule, max_runs=6, active=False, interval_days=None)

    await world.crawl(status="Completed")

    resumed = world.schedules[NO_CONTENT]
    assert (resumed.max_runs, resumed.interval_days, resumed.active) == (6, 5, True)


async def test_a_reminder_resumes_no_earlier_than_an_interval_after_its_last_run(world: World) -> None:
    await world.crawl(status="Completed")
    world.publish()
    ran_at: datetime = world.now
    await world.crawl(status="Canceled")
    await world.crawl(status="Completed")

    assert world.schedules[NO_CONTENT].next_run_time == ran_at + 5 * DAY
