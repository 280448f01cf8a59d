"""Samples end to end, in memory: messages in, what is stored and answered out."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.delivery import Delivery
from handlers.samples import ingest_samples
from schemas.samples.messages import IngestResult, IngestSamples
from schemas.samples.records import Sample
from tests.build.samples import NOON, creators, delivery, row, video
from tests.fakes.uow import FakeTransaction, FakeUow

EXAMPLE = Path(__file__).parents[4] / "mesh" / "examples" / "samples-ingest.json"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def uow() -> FakeUow:
    return FakeUow()


async def ingest(uow: FakeUow, *batch: Delivery[IngestSamples], now: datetime = NOON) -> list[IngestResult]:
    return await ingest_samples(list(batch), uow, lambda: now)


def only_sample(tx: FakeTransaction) -> Sample:
    (sample,) = tx.samples.stored.values()
    return sample


def facts(tx: FakeTransaction) -> list[dict[str, Any]]:
    """What is known of the samples, without ids and audit."""
    own = {"id", "creator_id", "creation_time", "last_modifier_id", "last_modification_time"}
    names = sorted(set(Sample.__slots__) - own | {"observed_at", "status"})
    return [{name: getattr(sample, name) for name in names} for _, sample in sorted(tx.samples.stored.items())]


async def test_the_example_is_stored_and_answered(uow: FakeUow) -> None:
    body = json.loads(EXAMPLE.read_bytes())

    (result,) = await ingest(uow, delivery(*body["rows"], source=body["source"], options=body["options"]))

    assert result.model_dump() == {"inserted": 1, "products": 1}
    sample = only_sample(uow.tx)
    assert [entry["type"] for entry in sample.content_summary] == ["video", "logistics"]
    (content,) = uow.tx.samples.contents.values()
    assert (content.sample_id, content.type, content.promotion_view_count) == (sample.id, "video", 2000)
    (log,) = uow.tx.samples.logs.values()
    assert (log.sample, log.source, log.options) == (sample, body["source"], body["options"])
    assert len(uow.tx.samples.content_logs) == 1


async def test_two_creators_of_one_product_are_two_samples_each_with_its_own_content(uow: FakeUow) -> None:
    (result,) = await ingest(uow, delivery(row(platformCreatorId="1"), video(platformCreatorId="2")))

    assert (result.inserted, result.products) == (2, 1)
    by_creator = {sample.creator_key: sample.content_summary for sample in uow.tx.samples.stored.values()}
    assert by_creator["1"][0]["type"] == ""
    assert by_creator["2"][0]["type"] == "video"


async def test_a_bad_row_is_told_and_the_good_ones_are_stored(uow: FakeUow) -> None:
    (result,) = await ingest(uow, delivery(row(), row(platformProductId=""), row(stock="many")))

    assert result.inserted == 1
    assert [(bad.index, bad.field) for bad in result.rejected] == [(1, "platformProductId"), (2, "stock")]
    assert len(uow.tx.samples.logs) == 1


async def test_a_message_without_a_good_row_is_answered_too(uow: FakeUow) -> None:
    (result,) = await ingest(uow, delivery({}))

    assert (result.inserted, result.products, len(result.rejected)) == (0, 0, 1)
    assert uow.tx.samples.stored == {}


async def test_a_message_is_applied_once_and_answered_alike_each_time(uow: FakeUow) -> None:
    message = delivery(video(), message_id="m")

    answers = [*await ingest(uow, message, message), *await ingest(uow, message, now=NOON + MINUTE)]

    assert answers == [IngestResult(inserted=1, products=1)] * 3
    assert len(uow.tx.samples.logs) == 1


async def test_the_same_rows_under_another_id_change_nothing_but_the_history(uow: FakeUow) -> None:
    await ingest(uow, delivery(video()))
    before, contents = facts(uow.tx), dict(uow.tx.samples.contents)

    await ingest(uow, delivery(video()), delivery(video()))

    assert facts(uow.tx) == before
    assert uow.tx.samples.contents.keys() == contents.keys()
    assert [log.is_replay for log in uow.tx.samples.logs.values()] == [False, True, True]


async def test_a_repeat_on_another_day_is_a_new_observation(uow: FakeUow) -> None:
    tomorrow = NOON + timedelta(days=1)
    await ingest(uow, delivery(row(), message_id="derived"))
    uow.tx.inbox.claimed.clear()  # a derived identity is forgotten after a day

    await ingest(uow, delivery(row(), message_id="derived", at=tomorrow), now=tomorrow)

    assert [log.is_replay for log in uow.tx.samples.logs.values()] == [False, False]


async def test_an_older_crawl_does_not_overwrite_a_newer_one(uow: FakeUow) -> None:
    await ingest(uow, delivery(row(stock=1)))

    await ingest(uow, delivery(video(stock=2), at=NOON - MINUTE))

    assert only_sample(uow.tx).stock == 1
    assert len(uow.tx.samples.contents) == 1
    assert [log.sample.stock for log in uow.tx.samples.logs.values()] == [1, 2]


async def test_the_crawlers_own_time_ranks_before_that_of_the_message(uow: FakeUow) -> None:
    await ingest(uow, delivery(row(stock=1, extractedTime="2026-01-12 11:00:00")))

    await ingest(uow, delivery(row(stock=2, extractedTime="2026-01-12 10:00:00"), at=NOON + MINUTE))

    assert only_sample(uow.tx).stock == 1


async def test_a_crawler_with_a_clock_ahead_does_not_block_later_news(uow: FakeUow) -> None:
    await ingest(uow, delivery(row(stock=1, extractedTime="2036-01-12 12:00:00")))

    await ingest(uow, delivery(row(stock=2), at=NOON + 6 * MINUTE))

    assert only_sample(uow.tx).stock == 2


async def test_absent_keeps_and_null_clears(uow: FakeUow) -> None:
    await ingest(uow, delivery(row(adCode=["ABC"], productSku="CM-100")))

    await ingest(uow, delivery(row(productSku=None, stock=...), at=NOON + MINUTE))
    kept = only_sample(uow.tx)
    await ingest(uow, delivery(row(adCode=None), at=NOON + 2 * MINUTE))

    assert (kept.ad_code, kept.product_sku, kept.stock) == (["ABC"], None, 42)
    assert only_sample(uow.tx).ad_code is None


async def test_who_saw_it_first_stays_and_who_saw_it_last_is_told(uow: FakeUow) -> None:
    await ingest(uow, delivery(row(), operatorId="ana"))
    await ingest(uow, delivery(row(), at=NOON + MINUTE, operatorId="eva"), now=NOON + MINUTE)

    sample = only_sample(uow.tx)
    assert (sample.creator_id, sample.creation_time) == ("ana", NOON)
    assert (sample.last_modifier_id, sample.last_modification_time) == ("eva", NOON + MINUTE)
    assert [log.sample.creator_id for log in uow.tx.samples.logs.values()] == ["ana", "eva"]


async def test_rows_of_one_sample_in_one_message_are_one_observation(uow: FakeUow) -> None:
    first = video(promotionName="a", promotionTime="2026-01-01 10:00", stock=1)
    second = video(promotionName="b", promotionTime="2026-01-02 10:00", stock=2, productSku="x")

    await ingest(uow, delivery(first, second, first))

    sample = only_sample(uow.tx)
    assert (sample.stock, sample.product_sku) == (1, "x")
    assert [entry["promotion_name"] for entry in sample.content_summary] == ["a", "b"]
    assert len(uow.tx.samples.contents) == 2
    logs = sorted(uow.tx.samples.logs.values(), key=lambda log: log.row_index)
    assert [(log.sample.stock, len(log.sample.content_summary), log.is_replay) for log in logs] == [
        (1, 2, False),
        (2, 2, False),
        (1, 2, True),
    ]


async def test_a_newer_row_of_a_message_outranks_a_later_one(uow: FakeUow) -> None:
    newer = row(stock=1, extractedTime="2026-01-12 11:00:00")
    older = row(stock=2, extractedTime="2026-01-12 10:00:00")

    await ingest(uow, delivery(newer, older))

    assert only_sample(uow.tx).stock == 1


async def test_pages_of_one_crawl_are_united_and_the_next_crawl_replaces_them(uow: FakeUow) -> None:
    crawl = {"extractedTime": "2026-01-12 11:00:00"}
    await ingest(uow, delivery(video(promotionName="a", **crawl)))
    await ingest(uow, delivery(video(promotionName="b", **crawl), at=NOON + MINUTE))
    await ingest(uow, delivery(row(**crawl), at=NOON + 2 * MINUTE))
    united = only_sample(uow.tx).content_summary

    await ingest(uow, delivery(video(promotionName="c"), at=NOON + 3 * MINUTE))

    assert [entry["promotion_name"] for entry in united] == ["a", "b"]
    assert [entry["promotion_name"] for entry in only_sample(uow.tx).content_summary] == ["c"]


async def test_an_edited_title_is_the_same_content(uow: FakeUow) -> None:
    await ingest(uow, delivery(video(promotionName="Mi rutina")))
    await ingest(uow, delivery(video(promotionName="Mi rutina ✨", type="1"), at=NOON + MINUTE))

    (content,) = uow.tx.samples.contents.values()
    assert content.promotion_name == "Mi rutina ✨"


async def test_a_failed_block_leaves_nothing_behind(uow: FakeUow) -> None:
    async def fails(*_: Any) -> None:
        raise ConnectionError

    uow.tx.samples.log_contents = fails  # type: ignore[method-assign]  # a database that goes away half way
    with pytest.raises(ConnectionError):
        await ingest(uow, delivery(video(), message_id="m"))

    assert uow.tx.samples.stored == {}
    assert uow.tx.inbox.claimed == set()


async def test_ids_are_upper_case_uuids_and_of_chance_where_they_are_in_links(uow: FakeUow) -> None:
    await ingest(uow, delivery(video()))

    (sample,), (log,) = uow.tx.samples.stored.values(), uow.tx.samples.logs.values()
    (content,) = uow.tx.samples.contents.values()
    assert [each.id[14] for each in (sample, log, content)] == ["7", "8", "5"]
    assert all(each.id == each.id.upper() and len(each.id) == 36 for each in (sample, log, content))


async def test_ten_thousand_rows_are_one_message(uow: FakeUow) -> None:
    (result,) = await ingest(uow, delivery(*creators(10_000)))

    assert result.inserted == 10_000
    assert len(uow.tx.samples.stored) == 10_000


async def test_ten_thousand_contents_of_one_sample_do_not_fill_the_history_ten_thousand_times(uow: FakeUow) -> None:
    rows = [video(promotionName=f"v{index}", promotionTime="2026-01-09") for index in range(10_000)]

    await ingest(uow, delivery(*rows))

    assert len(only_sample(uow.tx).content_summary) == 10_000
    assert {len(log.sample.content_summary) for log in uow.tx.samples.logs.values()} == {1}


async def test_moments_are_cut_to_what_the_database_keeps(uow: FakeUow) -> None:
    at = datetime(2026, 1, 12, 12, 0, 0, 999_999, tzinfo=UTC)

    await ingest(uow, delivery(row(), at=at), now=at)

    sample = only_sample(uow.tx)
    assert (sample.observed_at.microsecond, sample.creation_time.microsecond) == (999_000, 999_000)


SPARSE = st.fixed_dictionaries(
    {"platformCreatorId": st.sampled_from(["1", "2"])},
    optional={
        "status": st.sampled_from(["Shipped", "Completed", None]),
        "stock": st.integers(0, 3) | st.none(),
        "adCode": st.sampled_from([None, "", ["A"]]),
        "type": st.sampled_from(["video", "live", ""]),
        "promotionName": st.sampled_from(["a", "b"]),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SPARSE, min_size=1, max_size=6).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
async def test_the_order_of_messages_in_a_group_does_not_matter(case: tuple[list[Any], list[Any]]) -> None:
    rows = case[0]
    order = [next(index for index, mine in enumerate(rows) if mine is moved) for moved in case[1]]
    sorted_uow, shuffled_uow = FakeUow(), FakeUow()
    group = [
        delivery({"platformProductId": "7"} | fields, at=NOON + index * MINUTE, message_id=str(index))
        for index, fields in enumerate(rows)
    ]

    await ingest(sorted_uow, *group)
    await ingest(shuffled_uow, *(group[index] for index in order))

    assert facts(sorted_uow.tx) == facts(shuffled_uow.tx)


COMPLETE = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["Shipped", "Completed", None]),
        "stock": st.integers(0, 3) | st.none(),
        "adCode": st.sampled_from([None, "", ["A"]]),
        "promotionName": st.sampled_from(["a", "b", None]),
    }
)


@settings(max_examples=60, deadline=None)
@given(st.lists(COMPLETE, min_size=2, max_size=5), st.randoms(use_true_random=False), st.booleans())
async def test_complete_crawls_end_alike_in_any_order_and_number_of_groups(
    rows: list[Any], random: Any, is_repeated: bool
) -> None:
    calm, wild = FakeUow(), FakeUow()
    group = [
        delivery(row(type="video", promotionTime="2026-01-09 10:00", **fields), at=NOON + index * MINUTE)
        for index, fields in enumerate(rows)
    ]
    await ingest(calm, *group)

    shuffled = group * 2 if is_repeated else list(group)
    random.shuffle(shuffled)
    for message in shuffled:
        await ingest(wild, message)

    assert facts(calm.tx) == facts(wild.tx)
    assert len(calm.tx.samples.logs) == len(wild.tx.samples.logs)
