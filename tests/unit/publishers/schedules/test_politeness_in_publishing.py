"""Quiet hours, the daily cap, merging, and what fails at random, through the whole publisher."""

import contextlib
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.outgoing import Outgoing
from brokers.verdict import Unavailable
from publishers.schedules.renderer import TEMPLATES, Renderer
from schemas.chatbot.records import Scenario
from tests.build.chatbot import NOON, TRUE_OF, VIDEO, due, sample
from tests.build.schedules import World, polite


@pytest.fixture
def world() -> World:
    return World()


async def test_in_quiet_hours_reminders_wait_for_the_morning_and_do_not_count() -> None:
    world = polite(quiet_hours={"MX": "21:00-09:00"})
    world.clock.now = datetime(2026, 1, 13, 5, 0, tzinfo=UTC)  # 23:00 in Mexico City
    [schedule] = due(world.uow)
    await world.drain()
    row = world.row(schedule)
    assert (world.tasks, row.run_count, row.note) == ([], 0, "quiet hours in MX")
    assert row.next_run_time == datetime(2026, 1, 13, 15, 0, tzinfo=UTC)
    world.clock.now = row.next_run_time
    await world.drain()
    assert len(world.tasks) == 1


async def test_a_creator_gets_no_more_than_the_cap_on_a_local_day_and_the_rest_the_next() -> None:
    world = polite(daily_cap=2)
    rows = [due(world.uow, of=sample(platform_creator_id="one"))[0] for _ in range(5)]
    due(world.uow, of=sample(platform_creator_id="another"))
    await world.drain()
    assert Counter(task["platformCreatorId"] for task in world.tasks) == {"one": 2, "another": 1}
    waiting = [world.row(row) for row in rows if not world.row(row).run_count]
    assert {row.next_run_time for row in waiting} == {datetime(2026, 1, 13, 6, 0, tzinfo=UTC)}
    for _ in range(3):
        world.clock.forward(days=1)
        await world.drain()
    assert Counter(task["platformCreatorId"] for task in world.tasks)["one"] == 5


async def test_a_cap_of_zero_is_none() -> None:
    world = polite(daily_cap=0)
    for _ in range(30):
        due(world.uow, of=sample(platform_creator_id="one"))
    await world.drain()
    assert len(world.tasks) == 30


async def test_a_place_in_the_day_is_given_back_when_the_message_is_not_confirmed() -> None:
    world = polite(daily_cap=1)
    due(world.uow)
    world.broker.is_away = True
    with pytest.raises(Unavailable):
        await world.publisher.pass_once()
    world.broker.is_away = False
    await world.drain()
    assert len(world.tasks) == 1


async def test_due_reminders_of_one_sample_are_told_in_one_task(world: World) -> None:
    of = sample(status="Shipped", content_summary=VIDEO)
    rows = due(world.uow, Scenario.MISSING_AD_CODE, Scenario.SHIPPED, of=of)
    await world.drain()
    [task] = world.tasks
    assert (task["scenarios"], task["runs"]) == (["shipped", "missing_ad_code"], [1, 1])
    assert "scenario" not in task
    told = [(each["type"], each["meta"]["scenario"]) for each in task["messages"]]
    assert told == [("text", "shipped"), ("text", "missing_ad_code"), ("link", "missing_ad_code")]
    assert {world.row(row).run_count for row in rows} == {1}
    assert list(world.uow.tx.creator_days.rows.values()) == [1]


async def test_a_link_that_several_reminders_share_is_told_once_at_the_end(world: World) -> None:
    of = sample(status="Content pending", content_summary=VIDEO)
    due(world.uow, Scenario.CONTENT_PENDING, Scenario.MISSING_AD_CODE, of=of)
    await world.drain()
    assert [each["type"] for each in world.tasks[0]["messages"]] == ["text", "text", "link"]


async def test_one_broken_template_does_not_silence_the_other_reminder_of_its_sample(tmp_path: Path) -> None:
    (tmp_path / "shipped.jinja").write_text("{{ nobody }}")
    (tmp_path / "missing_ad_code.jinja").write_text((TEMPLATES / "es" / "shipped.jinja").read_text().split("{%")[0])
    world = World(renderer=Renderer(directory=tmp_path))
    of = sample(status="Shipped", content_summary=VIDEO)
    shipped, missing = due(world.uow, Scenario.SHIPPED, Scenario.MISSING_AD_CODE, of=of)
    await world.drain()
    assert [task["scenario"] for task in world.tasks] == ["missing_ad_code"]
    assert world.row(shipped).parked_at == NOON
    assert world.row(missing).run_count == 1


@settings(max_examples=60, deadline=None)
@given(
    scenarios=st.lists(st.sampled_from(list(Scenario)), min_size=1, max_size=12),
    weather=st.lists(st.sampled_from(["fair", "broker away", "settle lost", "half confirmed"]), max_size=12),
    cap=st.integers(0, 2),
)
async def test_whatever_fails_each_run_counts_once_and_has_one_id(
    scenarios: list[Scenario], weather: list[str], cap: int
) -> None:
    world = polite(daily_cap=cap)
    for place, scenario in enumerate(scenarios):
        due(world.uow, scenario, of=sample(platform_creator_id=str(place % 2), **TRUE_OF[scenario]), max_runs=1)
    for sky in [*weather, *["fair"] * 20]:
        world.broker.is_away = sky == "broker away"
        world.broker.refuses = _half if sky == "half confirmed" else lambda _: None
        world.uow.losses = [None, Unavailable("away")] if sky == "settle lost" else []
        with contextlib.suppress(Unavailable):
            await world.publisher.pass_once()
        world.clock.forward(hours=12)
    world.uow.losses = []
    rows = world.uow.tx.schedules.rows.values()
    assert {(row.run_count, row.active) for row in rows} == {(1, False)}
    ids = {message.message_id: json.loads(message.body)[0]["sampleId"] for message in world.broker.published}
    assert len(ids) == len(set(ids.values())) == len(scenarios)


def _half(message: Outgoing) -> Exception | None:
    return Unavailable("nack") if int(message.message_id[0], 16) % 2 else None
