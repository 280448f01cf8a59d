"""Old rows are asked to leave by their age, chunk by chunk."""

from datetime import date, timedelta

from publishers.purge import Purge
from tests.build.chatbot import NOON
from tests.fakes.chatbot_uow import ChatUow
from tests.fakes.clock import FakeClock


async def test_what_is_older_than_its_retention_goes() -> None:
    uow = ChatUow()
    purge = Purge(
        uow,
        FakeClock(NOON),
        keep=timedelta(days=30),
        keep_events=timedelta(days=9),
        keep_replies=timedelta(days=8),
        chunk=7,
    )
    await purge.pass_once()
    asked = uow.tx.retentions.asked[0]
    assert (asked.now, asked.crawl_logs_before, asked.limit) == (NOON, date(2025, 12, 13), 7)
    assert asked.deliveries_before == NOON - timedelta(days=30)
    assert asked.events_before == NOON - timedelta(days=9)
    assert asked.replies_before == NOON - timedelta(days=8)


async def test_a_pass_that_deleted_something_is_followed_by_another() -> None:
    uow = ChatUow()
    uow.tx.retentions.answers = [12, 0]
    purge = Purge(uow, FakeClock(NOON))
    assert [await purge.pass_once(), await purge.pass_once()] == [1, 0]
