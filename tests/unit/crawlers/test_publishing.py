"""Pages on their way to the broker."""

from datetime import timedelta

import pytest

from brokers.verdict import Reject, Unavailable
from crawlers.publishing import Outlet, page_message
from schemas.samples.messages import IngestSamples
from tests.fakes.crawling import page_of
from tests.fakes.publisher import FakePublisher

ROWS = [{"platformProductId": "1", "extractedTime": "2026-03-01T12:00:00.000+00:00"}]


def message_id(rows: list[dict[str, str]] = ROWS, crawl: str = "c-1", page: int = 1) -> str:
    return page_message(IngestSamples(source="x", rows=rows), crawl, "completed", page, rows=rows).message_id


def test_a_page_that_is_read_twice_is_one_message() -> None:
    later = [{**ROWS[0], "extractedTime": "2026-03-01T12:05:00.000+00:00"}]
    assert message_id() == message_id(later)


def test_another_crawl_another_page_and_a_changed_page_are_other_messages() -> None:
    changed = [{**ROWS[0], "stock": "4"}]
    assert len({message_id(), message_id(crawl="c-2"), message_id(page=2), message_id(changed)}) == 4


async def test_only_what_was_not_confirmed_is_published_again() -> None:
    publisher, refusals = FakePublisher(), [Unavailable("late")]
    publisher.refuses = lambda message: refusals.pop() if message.message_id == "page-2" and refusals else None

    async def sleep(seconds: float) -> None:
        assert seconds > 0

    await Outlet(publisher, sleep=sleep).publish([page_of(1), page_of(2)])
    assert [message.message_id for message in publisher.published] == ["page-1", "page-2"]


async def test_patience_ends() -> None:
    publisher = FakePublisher()
    publisher.is_away = True
    with pytest.raises(Unavailable, match="1 messages are not confirmed"):
        await Outlet(publisher, patience=timedelta(0)).publish([page_of(1)])


async def test_what_no_broker_would_take_is_said_at_once() -> None:
    publisher = FakePublisher()
    publisher.refuses = lambda _: Reject("too large")
    with pytest.raises(Reject):
        await Outlet(publisher).publish([page_of(1)])
