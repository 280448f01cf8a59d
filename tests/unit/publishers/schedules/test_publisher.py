"""Due schedules become chat tasks once, count when confirmed, and wait, stop or park for a reason one can read."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from brokers.verdict import Conflict, Unavailable
from publishers.schedules.renderer import Renderer
from schemas.chatbot.records import Scenario
from tests.build.chatbot import NOON, VIDEO, due, sample
from tests.build.schedules import LEASE_OVER, World, day_of


@pytest.fixture
def world() -> World:
    return World()


async def test_a_due_schedule_is_published_as_an_array_of_one_task(world: World) -> None:
    [schedule] = due(world.uow, Scenario.CONTENT_PENDING)
    await world.drain()
    [message] = world.broker.published
    assert (message.exchange, message.key) == ("chatbot.topic", "chatbot.sample.batch")
    assert message.headers["task_count"] == 1
    assert message.headers["task_id"] == message.headers["task_id"].upper()
    [task] = world.tasks
    owner = world.uow.tx.schedules.samples[schedule.sample_id]
    assert [each["type"] for each in task.pop("messages")] == ["text", "link"]
    assert task == {
        "region": "MX",
        "platformCreatorId": owner.platform_creator_id,
        "sampleId": owner.id,
        "platformProductId": owner.platform_product_id,
        "platformProductName": owner.product_name,
        "scenario": "content_pending",
        "run": 1,
    }


async def test_a_confirmed_run_is_counted_and_the_next_one_set(world: World) -> None:
    [schedule] = due(world.uow)
    await world.drain()
    row = world.row(schedule)
    assert (row.run_count, row.last_run_time, row.next_run_time) == (1, NOON, NOON + timedelta(days=5))
    assert row.active
    assert not world.uow.tx.schedules.claims


@pytest.mark.parametrize(
    ("scenario", "days"),
    [
        (Scenario.SHIPPED, [0]),
        (Scenario.CONTENT_PENDING, [0]),
        (Scenario.NO_CONTENT_POSTED, [0, 5, 10, 15]),
        (Scenario.MISSING_AD_CODE, [0, 3, 6, 9]),
    ],
)
async def test_a_scenario_is_told_on_its_days_and_then_no_more(
    world: World, scenario: Scenario, days: list[int]
) -> None:
    [schedule] = due(world.uow, scenario)
    told = []
    for day in range(40):
        await world.drain()
        told += [day] * (len(world.broker.published) - len(told))
        world.clock.forward(days=1)
    assert told == days
    assert not world.row(schedule).active
    assert [task["run"] for task in world.tasks] == list(range(1, len(days) + 1))


@pytest.mark.parametrize(
    ("scenario", "changes"),
    [
        (Scenario.SHIPPED, {"status": "Content pending"}),
        (Scenario.CONTENT_PENDING, {"status": None}),
        (Scenario.NO_CONTENT_POSTED, {"content_summary": VIDEO}),
        (Scenario.NO_CONTENT_POSTED, {"status": "Canceled"}),
        (Scenario.MISSING_AD_CODE, {"ad_code": ["A-1"]}),
        (Scenario.MISSING_AD_CODE, {"ad_code": '["A-1"]'}),
        (Scenario.MISSING_AD_CODE, {"content_summary": [{"type": "live"}]}),
    ],
)
async def test_what_is_no_longer_true_is_not_told(world: World, scenario: Scenario, changes: dict[str, Any]) -> None:
    [schedule] = due(world.uow, scenario)
    world.change_sample(schedule, **changes)
    await world.drain()
    row = world.row(schedule)
    assert (world.tasks, row.active, row.run_count, row.parked_at) == ([], False, 0, None)
    assert row.note is not None
    assert "no longer true" in row.note


@pytest.mark.parametrize("code", [None, [], "", "[]", " [ ] ", [""], "null", {}])
async def test_an_empty_ad_code_is_none_however_it_is_written(world: World, code: Any) -> None:
    [schedule] = due(world.uow, Scenario.MISSING_AD_CODE)
    world.change_sample(schedule, ad_code=code)
    await world.drain()
    assert len(world.tasks) == 1


async def test_logistics_are_not_content(world: World) -> None:
    [schedule] = due(world.uow)
    entry = {"type": "Logistics", "promotion_name": "Delivered", "promotion_time": "2026-01-03"}
    world.change_sample(schedule, content_summary=[entry, {"type": "", "promotion_name": ""}])
    await world.drain()
    assert len(world.tasks) == 1


async def test_with_the_broker_away_nothing_counts_and_each_reminder_is_told_once_it_is_back(world: World) -> None:
    rows = [due(world.uow)[0] for _ in range(5)]
    world.broker.is_away = True
    for _ in range(4):
        with pytest.raises(Unavailable):
            await world.publisher.pass_once()
    assert [world.row(row) for row in rows] == rows
    assert set(world.uow.tx.creator_days.rows.values()) == {0}
    world.broker.is_away = False
    await world.drain()
    assert len(world.tasks) == 5
    assert {world.row(row).run_count for row in rows} == {1}


async def test_only_the_unconfirmed_of_a_batch_are_released(world: World) -> None:
    [first], [second] = due(world.uow), due(world.uow)
    world.broker.refuses = lambda message: Unavailable("nack") if first.sample_id in str(message.body) else None
    with pytest.raises(Unavailable):
        await world.publisher.pass_once()
    assert (world.row(first), world.row(second).run_count) == (first, 1)


async def test_a_crash_between_confirm_and_settle_repeats_the_same_message_after_the_lease(world: World) -> None:
    [schedule] = due(world.uow)
    world.uow.losses = [None, Unavailable("the database went away")]
    with pytest.raises(Unavailable):
        await world.publisher.pass_once()
    assert await world.another().pass_once() == 0
    world.clock.forward(seconds=LEASE_OVER)
    await world.drain()
    first, second = world.broker.published
    assert (first.message_id, first.body) == (second.message_id, second.body)
    assert world.row(schedule).run_count == 1


async def test_a_lost_race_after_the_confirm_is_settled_at_once(world: World) -> None:
    [schedule] = due(world.uow)
    world.uow.losses = [None, Conflict("deadlock"), Conflict("deadlock")]
    await world.drain()
    assert (len(world.tasks), world.row(schedule).run_count) == (1, 1)


async def test_a_slow_publisher_whose_lease_is_over_does_not_count_what_another_counted(world: World) -> None:
    [schedule] = due(world.uow)
    slow = world.broker.publish_many

    async def overtaken(messages: Any) -> Any:
        world.broker.publish_many = slow  # type: ignore[method-assign]  # the other is not slow
        world.clock.forward(seconds=LEASE_OVER)
        await world.another().pass_once()
        return await slow(messages)

    world.broker.publish_many = overtaken  # type: ignore[method-assign]  # a broker that takes longer than the lease
    await world.publisher.pass_once()
    assert world.row(schedule).run_count == 1
    assert len({message.message_id for message in world.broker.published}) == 1


async def test_several_publishers_tell_each_reminder_once() -> None:
    world = World(batch_size=3)
    for _ in range(40):
        due(world.uow)
    await asyncio.gather(world.drain(), world.drain(world.another()), world.drain(world.another()))
    assert Counter(task["sampleId"] for task in world.tasks).most_common(1)[0][1] == 1
    assert {row.run_count for row in world.uow.tx.schedules.rows.values()} == {1}


async def test_no_transaction_is_open_while_the_broker_is_waited_for(world: World) -> None:
    due(world.uow)
    seen = []
    world.broker.watch = lambda: seen.append(world.uow.is_open)
    await world.drain()
    assert seen == [False]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"region": "FR"}, "region FR"),
        ({"platform_creator_id": None}, "platform_creator_id"),
        ({"platform_creator_id": " "}, "platform_creator_id"),
    ],
)
async def test_what_cannot_be_sent_is_parked_with_its_reason(
    world: World, changes: dict[str, Any], reason: str
) -> None:
    [schedule] = due(world.uow, of=sample(**changes))
    await world.drain()
    row = world.row(schedule)
    assert (row.parked_at, row.run_count, row.active, world.tasks) == (NOON, 0, True, [])
    assert row.parked_reason is not None
    assert reason in row.parked_reason


async def test_a_schedule_without_its_sample_is_parked(world: World) -> None:
    [schedule] = due(world.uow)
    world.uow.tx.schedules.samples.clear()
    await world.drain()
    assert world.row(schedule).parked_reason == "the sample no longer exists"


async def test_one_that_cannot_be_rendered_is_parked_and_delays_nobody(tmp_path: Path) -> None:
    (tmp_path / "no_content_posted.jinja").write_text("{{ 1 / (product_id | int) }}")
    world = World(renderer=Renderer(directory=tmp_path))
    [broken] = due(world.uow, of=sample(platform_product_id="0"), next_run_time=NOON - timedelta(days=1))
    [good] = due(world.uow)
    await world.publisher.pass_once()
    assert [task["sampleId"] for task in world.tasks] == [good.sample_id]
    assert "ZeroDivisionError" in (world.row(broken).parked_reason or "")
    assert world.uow.tx.creator_days.rows[day_of(world, broken)] == 0
    assert await world.publisher.pass_once() == 0


async def test_a_parked_schedule_is_told_once_an_operator_has_freed_it(world: World) -> None:
    [schedule] = due(world.uow, of=sample(platform_creator_id=None))
    await world.drain()
    world.change_sample(schedule, platform_creator_id="7495")
    await world.uow.tx.schedules.unpark(None, now=NOON)
    await world.drain()
    assert len(world.tasks) == 1


async def test_a_region_is_the_schedules_then_the_samples_then_the_default(world: World) -> None:
    due(world.uow, of=sample(region="FR"), region="mx ")
    due(world.uow, of=sample(region="MX"), region=None)
    due(world.uow, of=sample(region=""), region=None)
    await world.drain()
    assert [task["region"] for task in world.tasks] == ["MX"] * 3


@pytest.mark.parametrize(
    ("nonsense", "reason"),
    [
        ({"scenario": Scenario("birthday")}, "nobody knows the scenario 'birthday'"),
        ({"run_count": -5}, "run_count is negative"),
        ({"interval_days": 2**31 - 1}, "interval_days is not between"),
        ({"interval_days": -1}, "interval_days is not between"),
    ],
)
async def test_a_row_that_makes_no_sense_is_parked_and_holds_up_nobody(
    world: World, nonsense: dict[str, Any], reason: str
) -> None:
    [bad] = due(world.uow, Scenario.SHIPPED)
    world.uow.tx.schedules.rows[bad.id] = replace(bad, **nonsense)
    [good] = due(world.uow, Scenario.SHIPPED)
    await world.drain()
    assert reason in (world.row(bad).parked_reason or "")
    assert world.row(good).run_count == 1


async def test_a_name_as_long_as_a_crawler_may_send_it_is_cut_and_the_creator_is_written_to(world: World) -> None:
    [schedule] = due(world.uow, Scenario.SHIPPED)
    world.change_sample(schedule, platform_campaign_name="ñ" * 16_383)
    await world.drain()
    assert world.row(schedule).run_count == 1
    assert len(world.tasks[0]["platformCampaignName"]) == 2000


async def test_a_sample_of_which_no_task_can_be_made_is_parked_and_holds_up_nobody(world: World) -> None:
    bad, good = (due(world.uow, Scenario.SHIPPED)[0] for _ in range(2))
    world.change_sample(bad, platform_creator_id="9" * 65)
    await world.drain()
    assert "no chat task can be made of it" in (world.row(bad).parked_reason or "")
    assert world.row(good).run_count == 1
