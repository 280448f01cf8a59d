"""What the samples repository promises, on every database."""

import asyncio
from collections import Counter
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Table, func, select

from brokers.verdict import Conflict, Reject
from persistence.tables import sample_content_crawl_logs, sample_contents, sample_crawl_logs, samples
from persistence.uow import Uow
from schemas.samples.records import Sample, SampleContent
from tests.build.records import NOON, TODAY, content, content_log, crawl_log, days_ago, sample


async def rows_of(uow: Uow, table: Table) -> list[Any]:
    async with uow() as tx:
        return list((await tx._session.execute(select(table))).all())


async def test_a_sample_comes_back_as_it_was_stored(uow: Uow) -> None:
    stored = sample()
    async with uow() as tx:
        await tx.samples.add([stored])
    async with uow() as tx:
        assert await tx.samples.find([stored.key]) == {stored.key: stored}


async def test_a_sample_of_which_little_is_known_comes_back_as_it_was_stored(uow: Uow) -> None:
    required = {"id", "region", "platform_product_id", "campaign_key", "creator_key", "observed_at", "creator_id"}
    required |= {"creation_time", "last_modifier_id", "last_modification_time"}
    full = sample(campaign_key="")
    stored = Sample(**{each.name: getattr(full, each.name) for each in fields(Sample) if each.name in required})
    async with uow() as tx:
        await tx.samples.add([stored])
    async with uow() as tx:
        assert await tx.samples.find([stored.key]) == {stored.key: stored}


async def test_a_missing_ad_code_is_sql_null_and_a_cleared_one_too(uow: Uow) -> None:
    never, cleared = sample(ad_code=None), sample(ad_code={"code": "A"})
    async with uow() as tx:
        await tx.samples.add([never, cleared])
        await tx.samples.save([replace(cleared, ad_code=None)])
        nulls = select(func.count()).select_from(samples).where(samples.c.ad_code.is_(None))
        assert (await tx._session.execute(nulls)).scalar_one() == 2


@pytest.mark.parametrize("code", ["ABC", "", 0, False, [], {}, ["A", None], {"a": 1.5}, 12345678901234567])
async def test_any_json_value_is_kept_as_an_ad_code(uow: Uow, code: Any) -> None:
    stored = sample(ad_code=code)
    async with uow() as tx:
        await tx.samples.add([stored])
    async with uow() as tx:
        found = (await tx.samples.find([stored.key]))[stored.key]
    assert found.ad_code == code
    assert type(found.ad_code) is type(code)


async def test_names_that_differ_in_an_accent_a_case_or_a_trailing_space_are_other_samples(uow: Uow) -> None:
    names = ["José", "Jose", "jose", "Jose ", "JOSÉ", "ß", "ss", "😀", "😁"]
    async with uow() as tx:
        await tx.samples.add([sample(creator_key=name) for name in names])
    async with uow() as tx:
        found = await tx.samples.find([sample(creator_key=name).key for name in names])
    assert sorted(key.creator_key for key in found) == sorted(names)


async def test_the_same_creator_has_one_sample_a_region_product_and_campaign(uow: Uow) -> None:
    first = sample(creator_key="lupita")
    others = [
        replace(sample(creator_key="lupita"), **{name: "9"})
        for name in ("region", "platform_product_id", "campaign_key")
    ]
    async with uow() as tx:
        await tx.samples.add([first, *others])
    async with uow() as tx:
        assert len(await tx.samples.find([each.key for each in [first, *others]])) == 4


async def test_adding_a_sample_that_is_already_there_is_a_conflict(uow: Uow) -> None:
    stored = sample()
    async with uow() as tx:
        await tx.samples.add([stored])
    with pytest.raises(Conflict):
        async with uow() as tx:
            await tx.samples.add([sample(), replace(sample(), creator_key=stored.creator_key)])
    assert len(await rows_of(uow, samples)) == 1


async def test_saving_keeps_who_saw_it_first_and_under_which_key(uow: Uow) -> None:
    stored = sample()
    later = NOON + timedelta(days=1)
    changed = replace(
        stored, status="Shipped", stock=None, observed_at=later, creation_time=later, creator_id="somebody else"
    )
    async with uow() as tx:
        await tx.samples.add([stored])
    async with uow() as tx:
        await tx.samples.find([stored.key])
        await tx.samples.save([changed])
    async with uow() as tx:
        found = (await tx.samples.find([stored.key]))[stored.key]
    assert found == replace(changed, creation_time=stored.creation_time, creator_id=stored.creator_id)


async def test_thousands_of_samples_are_found_by_key(uow: Uow) -> None:
    stored = [sample(creator_key=f"creator {number}") for number in range(1200)]
    async with uow() as tx:
        await tx.samples.add(stored)
    async with uow() as tx:
        assert await tx.samples.find([each.key for each in stored]) == {each.key: each for each in stored}


async def test_of_two_transactions_that_add_the_same_sample_one_is_told_to_run_again(uow: Uow) -> None:
    outcomes = Counter(await asyncio.gather(*[_find_or_add(uow, "lupita") for _ in range(2)]))
    assert set(outcomes) <= {"added", "found", "conflict"}
    assert outcomes["added"] == 1
    assert len(await rows_of(uow, samples)) == 1


async def test_twenty_parallel_transactions_that_run_again_after_a_conflict_make_one_sample(uow: Uow) -> None:
    outcomes = Counter(await asyncio.gather(*[_until_done(uow, "lupita") for _ in range(20)]))
    assert outcomes == {"added": 1, "found": 19}
    assert len(await rows_of(uow, samples)) == 1


async def _find_or_add(uow: Uow, creator_key: str) -> str:
    new = sample(creator_key=creator_key)
    try:
        async with uow() as tx:
            if await tx.samples.find([new.key]):
                return "found"
            await asyncio.sleep(0)
            await tx.samples.add([new])
    except Conflict:
        return "conflict"
    return "added"


async def _until_done(uow: Uow, creator_key: str) -> str:
    while (outcome := await _find_or_add(uow, creator_key)) == "conflict":
        pass
    return outcome


async def test_a_found_sample_is_locked_until_the_transaction_ends(uow: Uow) -> None:
    stored = sample(stock=0)
    async with uow() as tx:
        await tx.samples.add([stored])

    async def sell_one() -> None:
        async with uow() as tx:
            found = (await tx.samples.find([stored.key]))[stored.key]
            await asyncio.sleep(0.01)
            await tx.samples.save([replace(found, stock=(found.stock or 0) + 1)])

    await asyncio.gather(*[sell_one() for _ in range(8)])
    async with uow() as tx:
        assert (await tx.samples.find([stored.key]))[stored.key].stock == 8


@pytest.mark.parametrize(
    "mistake",
    [
        {"status": "x" * 33},
        {"stock": 2**31},
        {"platform_creator_display_name": "é" * 65},
        {"post_rate": Decimal(1000000)},
        {"post_rate": Decimal("999999.99999")},
        {"post_rate": Decimal("NaN")},
        {"creator_id": None},
        {"product_name": "\ud800"},
        {"observed_at": NOON.replace(tzinfo=None)},
    ],
)
async def test_a_value_that_does_not_fit_is_rejected_and_nothing_is_stored(uow: Uow, mistake: dict[str, Any]) -> None:
    with pytest.raises(Reject):
        async with uow() as tx:
            await tx.samples.add([sample(), sample(**mistake)])
    assert await rows_of(uow, samples) == []


async def test_times_are_cut_to_milliseconds_and_read_in_utc(uow: Uow) -> None:
    zone = NOON.astimezone().tzinfo
    stored = sample(observed_at=NOON.replace(microsecond=999_999).astimezone(zone))
    async with uow() as tx:
        await tx.samples.add([stored])
    async with uow() as tx:
        found = (await tx.samples.find([stored.key]))[stored.key]
    assert found.observed_at == NOON.replace(microsecond=999_000)
    assert found.observed_at.utcoffset() == timedelta()


async def test_a_crawl_log_keeps_the_row_as_it_was_seen(uow: Uow) -> None:
    entry = crawl_log()
    async with uow() as tx:
        await tx.samples.log([entry])
    (row,) = await rows_of(uow, sample_crawl_logs)
    seen = row._asdict()
    assert Sample(**{each.name: seen[each.name] for each in fields(Sample)} | {"id": seen["sample_id"]}) == entry.sample
    for name in ("id", "message_id", "row_index", "fingerprint", "is_replay", "crawl_date", "source", "options"):
        assert seen[name] == getattr(entry, name), name
    assert seen["extra"] == entry.extra


async def test_a_fingerprint_is_known_on_the_day_it_was_logged(uow: Uow) -> None:
    async with uow() as tx:
        await tx.samples.log([crawl_log(fingerprint="a" * 64), crawl_log(fingerprint="a" * 64)])
        await tx.samples.log([crawl_log(fingerprint="b" * 64, crawl_date=days_ago(1))])
    async with uow() as tx:
        assert await tx.samples.logged(["a" * 64, "b" * 64, "c" * 64], TODAY) == {"a" * 64}


async def stored_content(uow: Uow) -> SampleContent:
    (row,) = await rows_of(uow, sample_contents)
    return SampleContent(**row._asdict())


async def test_a_content_comes_back_as_it_was_stored(uow: Uow) -> None:
    stored = content()
    async with uow() as tx:
        await tx.samples.upsert_contents([stored])
    assert await stored_content(uow) == stored


async def test_a_newer_observation_of_a_content_wins_and_its_id_and_first_sight_stay(uow: Uow) -> None:
    first = content()
    later = NOON + timedelta(hours=1)
    second = replace(
        content(sample_id=first.sample_id, observed_at=later, creation_time=later, creator_id="somebody else"),
        promotion_view_count=20000,
        promotion_name=None,
    )
    async with uow() as tx:
        await tx.samples.upsert_contents([first])
        await tx.samples.upsert_contents([second])
    assert await stored_content(uow) == replace(
        second, id=first.id, creation_time=first.creation_time, creator_id=first.creator_id
    )


async def test_an_older_observation_of_a_content_changes_nothing(uow: Uow) -> None:
    newer = content()
    older = content(sample_id=newer.sample_id, observed_at=NOON - timedelta(seconds=1), promotion_view_count=1)
    async with uow() as tx:
        await tx.samples.upsert_contents([newer])
        await tx.samples.upsert_contents([older])
    assert await stored_content(uow) == newer


async def test_of_a_content_seen_twice_in_one_write_the_newest_observation_stays(uow: Uow) -> None:
    sample_id = content().sample_id
    views = {NOON + timedelta(minutes=minute): minute for minute in (5, 9, 1)}
    seen = [content(sample_id=sample_id, observed_at=at, promotion_view_count=view) for at, view in views.items()]
    async with uow() as tx:
        await tx.samples.upsert_contents(seen)
    assert (await stored_content(uow)).promotion_view_count == 9


async def test_a_content_belongs_to_its_sample(uow: Uow) -> None:
    async with uow() as tx:
        await tx.samples.upsert_contents([content(), content(), content(content_key="vidéo|"), content()])
    assert len(await rows_of(uow, sample_contents)) == 4


async def test_a_content_log_keeps_the_row_as_it_was_seen(uow: Uow) -> None:
    entry = content_log()
    async with uow() as tx:
        await tx.samples.log_contents([entry])
    (row,) = await rows_of(uow, sample_content_crawl_logs)
    seen = row._asdict()
    assert (seen["id"], seen["content_id"], seen["crawl_date"]) == (entry.id, entry.content.id, TODAY)
    same = {each.name for each in fields(SampleContent)} - {"id"}
    assert {name: seen[name] for name in same} == {name: getattr(entry.content, name) for name in same}
