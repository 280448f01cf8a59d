"""What the repositories of schedules, deliveries and daily counts promise, on every database."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from persistence.uow import Uow
from schemas.chatbot.records import DeliveryState, DueSchedule, Scenario, Schedule
from tests.build.records import NOON, TODAY, chat_delivery, days_ago, new_id, sample, schedule
from tests.fakes.chatbot_repositories import reminded

LEASE = timedelta(minutes=1)
SOON = NOON + timedelta(minutes=5)


async def saved(uow: Uow, *schedules: Schedule) -> None:
    async with uow() as tx:
        await tx.schedules.save(schedules)


async def found(uow: Uow, of: Schedule) -> Schedule:
    async with uow() as tx:
        return (await tx.schedules.find([of.sample_id]))[of.sample_id, of.scenario]


async def claimed(uow: Uow, token: str, **options: Any) -> list[DueSchedule]:
    async with uow() as tx:
        return await tx.schedules.claim_due(**{"now": SOON, "limit": 100, "token": token, "lease": LEASE} | options)


def ids(due: list[DueSchedule]) -> list[str]:
    return [each.schedule.id for each in due]


async def test_a_schedule_comes_back_as_it_was_saved(uow: Uow) -> None:
    full = schedule(last_run_time=NOON, parked_at=NOON, parked_reason="sin texto", note="días de silencio")
    empty = schedule(region=None, interval_days=None)
    await saved(uow, full, empty)
    assert await found(uow, full) == full
    assert await found(uow, empty) == empty


async def test_saving_again_by_sample_and_scenario_keeps_id_and_creation(uow: Uow) -> None:
    first = schedule()
    again = schedule(sample_id=first.sample_id, run_count=2, active=False, created_at=SOON, updated_at=SOON)
    await saved(uow, first)
    await saved(uow, again)
    assert await found(uow, first) == replace(again, id=first.id, created_at=first.created_at)


async def test_a_reason_too_long_for_its_column_is_cut(uow: Uow) -> None:
    one = schedule(parked_reason="é" * 600, note="é" * 300)
    await saved(uow, one)
    kept = await found(uow, one)
    assert (len(kept.parked_reason or ""), len(kept.note or "")) == (512, 255)


async def test_what_is_due_is_claimed_oldest_first_with_its_sample(uow: Uow) -> None:
    known = sample()
    late = schedule(sample_id=known.id, next_run_time=NOON - timedelta(days=1))
    later, future = schedule(), schedule(next_run_time=SOON + timedelta(seconds=1))
    off, parked, spent = schedule(active=False), schedule(parked_at=NOON), schedule(run_count=4)
    async with uow() as tx:
        await tx.samples.add([known])
    await saved(uow, later, late, future, off, parked, spent)
    assert await claimed(uow, new_id()) == [
        DueSchedule(late, reminded(known)),
        DueSchedule(later, None),
    ]


async def test_a_claim_pulls_in_the_other_due_schedules_of_the_same_sample(uow: Uow) -> None:
    first = schedule()
    second = schedule(sample_id=first.sample_id, scenario=Scenario.MISSING_AD_CODE, next_run_time=SOON)
    other = schedule(next_run_time=NOON + timedelta(minutes=1))
    await saved(uow, first, second, other)
    assert ids(await claimed(uow, new_id(), limit=1)) == [first.id, second.id]
    assert ids(await claimed(uow, new_id(), limit=1)) == [other.id]


async def test_a_claim_holds_until_its_lease_is_over(uow: Uow) -> None:
    one = schedule()
    await saved(uow, one)
    assert ids(await claimed(uow, new_id())) == [one.id]
    assert await claimed(uow, new_id(), now=SOON + LEASE - timedelta(milliseconds=1)) == []
    assert ids(await claimed(uow, new_id(), now=SOON + LEASE)) == [one.id]


async def test_a_claim_given_by_a_clock_that_was_set_back_holds_nobody_up(uow: Uow) -> None:
    one = schedule()
    await saved(uow, one)
    assert await claimed(uow, new_id(), now=SOON + timedelta(hours=3))
    assert ids(await claimed(uow, new_id())) == [one.id]
    assert await claimed(uow, new_id()) == []


async def test_a_sample_of_which_another_holds_a_due_schedule_is_left_alone(uow: Uow) -> None:
    first = schedule()
    await saved(uow, first)
    await claimed(uow, new_id())
    await saved(uow, schedule(sample_id=first.sample_id, scenario=Scenario.MISSING_AD_CODE))
    assert await claimed(uow, new_id()) == []
    assert len(await claimed(uow, new_id(), now=SOON + LEASE)) == 2


async def test_saving_a_claimed_schedule_leaves_its_claim(uow: Uow) -> None:
    one, token = schedule(), new_id()
    await saved(uow, one)
    await claimed(uow, token)
    await saved(uow, replace(one, note="seen again"))
    assert await claimed(uow, new_id()) == []
    async with uow() as tx:
        assert await tx.schedules.settle([one], token=token) == 1


async def test_settling_writes_the_state_and_gives_the_claim_up(uow: Uow) -> None:
    one, token = schedule(), new_id()
    await saved(uow, one)
    await claimed(uow, token)
    after = replace(one, run_count=1, last_run_time=SOON, next_run_time=SOON, updated_at=SOON, note="sent")
    async with uow() as tx:
        assert await tx.schedules.settle([after], token=token) == 1
    assert await found(uow, one) == after
    assert ids(await claimed(uow, new_id())) == [one.id]


async def test_runs_are_counted_together_and_what_a_handler_changed_meanwhile_stays(uow: Uow) -> None:
    first, second, other, token = schedule(), schedule(interval_days=None), schedule(), new_id()
    await saved(uow, first, second, other)
    await claimed(uow, token)
    await saved(uow, replace(second, max_runs=7))
    like = replace(first, run_count=1, last_run_time=SOON, next_run_time=SOON + LEASE, updated_at=SOON, active=False)
    async with uow() as tx:
        assert await tx.schedules.count([first.id, second.id], like, token=token) == 2
        assert await tx.schedules.count([first.id, other.id], like, token="another's") == 0
    assert await found(uow, first) == like
    assert await found(uow, second) == replace(
        like, id=second.id, sample_id=second.sample_id, interval_days=None, max_runs=7
    )
    assert await found(uow, other) == other
    assert ids(await claimed(uow, new_id(), now=SOON + LEASE)) == [other.id]


async def test_settling_after_another_took_over_changes_nothing(uow: Uow) -> None:
    mine, taken, slow, quick = schedule(), schedule(), new_id(), new_id()
    await saved(uow, mine, taken)
    await claimed(uow, slow)
    async with uow() as tx:
        await tx.schedules.settle([taken], token=slow)
    await claimed(uow, quick)
    async with uow() as tx:
        changed = [replace(each, run_count=3) for each in (mine, taken)]
        assert await tx.schedules.settle(changed, token=slow) == 1
    assert (await found(uow, mine)).run_count == 3
    assert (await found(uow, taken)).run_count == 0


async def test_settling_does_not_bring_back_a_deleted_schedule(uow: Uow) -> None:
    async with uow() as tx:
        assert await tx.schedules.settle([schedule()], token=new_id()) == 0
        assert await tx.schedules.listed(parked=None, limit=10) == []


async def test_four_concurrent_claimers_never_hold_the_same_schedule(uow: Uow) -> None:
    samples = [new_id() for _ in range(60)]
    await saved(uow, *[schedule(sample_id=each, scenario=scenario) for each in samples for scenario in Scenario])
    claims: Counter[str] = Counter()
    holders: dict[str, set[str]] = {each: set() for each in samples}

    async def claim_until_empty() -> None:
        misses = 0
        while misses < 3:  # a claimer that met another at the edge of a sample gives it up, and tries again
            token = new_id()
            due = await claimed(uow, token, limit=7)
            misses = 0 if due else misses + 1
            claims.update(ids(due))
            for each in due:
                holders[each.schedule.sample_id].add(token)
            await asyncio.sleep(0.001)

    await asyncio.gather(*[claim_until_empty() for _ in range(4)])
    claims.update(ids(await claimed(uow, new_id())))
    assert len(claims) == 240
    assert set(claims.values()) == {1}
    assert max(map(len, holders.values())) == 1


async def test_parked_schedules_are_listed_and_given_another_chance(uow: Uow) -> None:
    first, second = schedule(parked_at=NOON, parked_reason="x"), schedule(parked_at=NOON, parked_reason="y")
    fine, off = schedule(), schedule(active=False)
    await saved(uow, first, second, fine, off)
    async with uow() as tx:
        assert {each.id for each in await tx.schedules.listed(parked=True, limit=10)} == {first.id, second.id}
        assert {each.id for each in await tx.schedules.listed(parked=False, limit=10)} == {fine.id}
        assert len(await tx.schedules.listed(parked=None, limit=2)) == 2
        assert await tx.schedules.unpark([first.id, fine.id], now=SOON) == 1
        assert await tx.schedules.unpark(None, now=SOON) == 1
    assert await found(uow, first) == replace(first, parked_at=None, parked_reason=None, updated_at=SOON)


async def test_the_lag_is_the_age_of_the_oldest_due_schedule(uow: Uow) -> None:
    async with uow() as tx:
        assert await tx.schedules.lag(SOON) == timedelta()
        await tx.schedules.save([schedule(), schedule(next_run_time=SOON), schedule(active=False)])
        assert await tx.schedules.lag(SOON) == timedelta(minutes=5)
        assert await tx.schedules.lag(NOON - timedelta(hours=1)) == timedelta()


async def test_a_delivery_comes_back_as_it_was_begun(uow: Uow) -> None:
    full, empty = chat_delivery(), chat_delivery(sample_id=None, scenario=None, run=None, region=None, sent_at=None)
    async with uow() as tx:
        assert await tx.deliveries.begin([full, empty]) == {full.task_key: full, empty.task_key: empty}


async def test_beginning_a_task_again_returns_what_became_of_it(uow: Uow) -> None:
    first = chat_delivery()
    sent = replace(first, state=DeliveryState.SENT, attempts=1, sent_at=SOON, updated_at=SOON)
    async with uow() as tx:
        await tx.deliveries.begin([first])
        await tx.deliveries.save([sent])
    async with uow() as tx:
        assert await tx.deliveries.begin([chat_delivery(task_key=first.task_key)]) == {first.task_key: sent}


async def test_a_task_is_begun_once_by_twenty_who_try_at_once(uow: Uow) -> None:
    key = new_id()

    async def begin() -> str:
        async with uow() as tx:
            return (await tx.deliveries.begin([chat_delivery(task_key=key)]))[key].id

    assert len(set(await asyncio.gather(*[begin() for _ in range(20)]))) == 1


async def test_deliveries_are_listed_by_state(uow: Uow) -> None:
    stuck = [chat_delivery(state=DeliveryState.UNCERTAIN, updated_at=NOON + timedelta(minutes=n)) for n in (2, 1)]
    async with uow() as tx:
        await tx.deliveries.begin([*stuck, chat_delivery()])
    async with uow() as tx:
        assert await tx.deliveries.listed(DeliveryState.UNCERTAIN, 10) == [stuck[1], stuck[0]]
        assert len(await tx.deliveries.listed(DeliveryState.UNCERTAIN, 1)) == 1


async def test_a_day_without_messages_counts_zero_and_messages_add_up(uow: Uow) -> None:
    today, yesterday = ("creator", TODAY), ("creator", days_ago(1))
    async with uow() as tx:
        assert await tx.creator_days.added({today: 0, yesterday: 1}) == {today: 0, yesterday: 1}
        await tx.creator_days.add({today: 2})
        await tx.creator_days.add({today: 1, ("other", TODAY): 5})
    async with uow() as tx:
        assert await tx.creator_days.added({today: 0, yesterday: -1, ("other", TODAY): 1}) == {
            today: 3,
            yesterday: 0,
            ("other", TODAY): 6,
        }


async def test_concurrent_publishers_see_each_others_counts(uow: Uow) -> None:
    pairs: list[tuple[str, date]] = [(f"creator {number}", TODAY) for number in range(10)]

    async def publish_below_a_cap() -> int:
        async with uow() as tx:
            counts = await tx.creator_days.added(dict.fromkeys(pairs, 1))
            await asyncio.sleep(0)
            too_many = {pair: -1 for pair, published in counts.items() if published > 3}
            await tx.creator_days.add(too_many)
            return len(pairs) - len(too_many)

    assert sum(await asyncio.gather(*[publish_below_a_cap() for _ in range(8)])) == 30


@pytest.mark.parametrize("key", ["José", "JOSÉ", "jose", "jose "])
async def test_creators_whose_ids_look_alike_are_counted_apart(uow: Uow, key: str) -> None:
    async with uow() as tx:
        await tx.creator_days.add({("jose", TODAY): 1, ("José ", TODAY): 1})
        await tx.creator_days.add({(key, TODAY): 1})
        expected = 2 if key == "jose" else 1
        assert await tx.creator_days.added({(key, TODAY): 0}) == {(key, TODAY): expected}
