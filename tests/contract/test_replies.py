"""What is stored of conversations, on every database."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from brokers.verdict import Reject
from persistence.uow import Uow
from schemas.replies.records import Handoff, Role, WebhookState
from tests.build.records import EVERY_SCRIPT, NOON
from tests.build.replies import (
    BUSINESS,
    CONVERSATION,
    CUSTOMER,
    later,
    said,
    thread,
    tokens,
    until_done,
    user,
    webhook,
)

LEASE = timedelta(minutes=2)


async def added(uow: Uow, *events: Any) -> list[int]:
    async with uow() as tx:
        numbers = [await tx.webhooks.add(each) for each in events]
    return [each for each in numbers if each is not None]


# What TikTok notified us of.


async def test_a_notification_is_taken_in_once_however_often_and_however_many_at_once(uow: Uow) -> None:
    event = webhook("mid-5001")
    numbers = await asyncio.gather(*(until_done(uow, lambda tx: tx.webhooks.add(event)) for _ in range(20)))
    assert len([each for each in numbers if each is not None]) == 1
    async with uow() as tx:
        stored = await tx.webhooks.get(next(each for each in numbers if each))
        assert stored
        assert replace(stored, id=None) == event


async def test_the_same_message_id_in_two_conversations_is_two_messages(uow: Uow) -> None:
    assert len(await added(uow, webhook("mid-1"), webhook("mid-1", conversation_id="cv-2"))) == 2
    async with uow() as tx:
        for conversation in (CONVERSATION, "cv-2"):
            one = said(provider_message_id="mid-1", conversation_id=conversation)
            assert await tx.chat.add(one) is not None
            assert await tx.chat.add(one) is None


async def test_what_waits_is_claimed_in_the_order_in_which_it_was_written(uow: Uow) -> None:
    numbers = await added(uow, *(webhook(provider_ts=later(minutes)) for minutes in (3, 1, 2, 1)))
    async with uow() as tx:
        claimed = await tx.webhooks.claim(CONVERSATION, now=NOON, token="a", lease=LEASE)
    assert [each.id for each in claimed] == [numbers[1], numbers[3], numbers[2], numbers[0]]


async def test_what_one_holds_another_gets_after_the_lease_and_the_same_message_at_once(uow: Uow) -> None:
    (number,) = await added(uow, webhook())
    async with uow() as tx:
        assert len(await tx.webhooks.claim(CONVERSATION, now=NOON, token="a", lease=LEASE)) == 1
    async with uow() as tx:
        assert await tx.webhooks.claim(CONVERSATION, now=NOON, token="b", lease=LEASE) == []
        assert len(await tx.webhooks.claim(CONVERSATION, now=NOON, token="a", lease=LEASE)) == 1
    async with uow() as tx:
        (taken,) = await tx.webhooks.claim(CONVERSATION, now=NOON + LEASE, token="b", lease=LEASE)
        assert taken.attempts == 2
        assert await tx.webhooks.settle([number], WebhookState.DONE, token="a") == set()
        assert await tx.webhooks.waits(CONVERSATION)
        assert await tx.webhooks.settle([number], WebhookState.DONE, token="b") == {number}
        assert await tx.webhooks.settle([number], WebhookState.DONE, token="b") == set()
        assert not await tx.webhooks.waits(CONVERSATION)
        assert await tx.webhooks.claim(CONVERSATION, now=later(99), token="c", lease=LEASE) == []


async def test_only_what_waits_counts_as_backlog(uow: Uow) -> None:
    await added(
        uow,
        webhook(received_at=later(1)),
        webhook(received_at=later(2)),
        webhook(received_at=NOON, state=WebhookState.IGNORED),
    )
    async with uow() as tx:
        assert await tx.webhooks.backlog(later(5)) == (2, timedelta(minutes=4))
        assert [each.received_at for each in await tx.webhooks.listed(WebhookState.RECEIVED, 10)] == [
            later(1),
            later(2),
        ]


async def test_a_state_that_is_none_is_refused(uow: Uow) -> None:
    with pytest.raises(Reject):
        await added(uow, webhook(state="LOST"))


# Customers and conversations.


async def test_an_older_sighting_changes_nothing_of_a_customer_and_an_opt_out_stays(uow: Uow) -> None:
    async with uow() as tx:
        await tx.people.seen([user(last_interaction_at=later(5), username="new")])
        await tx.people.opt(CUSTOMER, out_at=later(6))
        await tx.people.seen([user(last_interaction_at=later(1), username="old")])
        await tx.people.seen([user(last_interaction_at=later(7), username="newer")])
        found = await tx.people.get(CUSTOMER)
        assert found == user(last_interaction_at=later(7), username="newer", opted_out_at=later(6))
        assert await tx.people.forget([CUSTOMER]) == 1
        assert await tx.people.get(CUSTOMER) is None


async def test_a_conversation_opens_once_and_comes_back_as_it_was_saved(uow: Uow) -> None:
    full = thread(
        window_sent_count=3,
        handoff=Handoff.HUMAN,
        handoff_until=later(720),
        menu_shown_at=later(1),
        noticed_at=later(2),
        proposal={"hold": "TH-P-001", "text": EVERY_SCRIPT},
        proposed_at=later(3),
        answer_at=later(4),
        answered_at=later(5),
        paused_until=later(6),
        paused_reason="40064",
    )
    async with uow() as tx:
        assert await tx.threads.opened(thread()) == thread()
        await tx.threads.save(full)
        assert await tx.threads.opened(thread(user_id="somebody else")) == full
        assert await tx.threads.of_user(CUSTOMER) == [full]


async def test_two_first_messages_at_once_open_one_conversation(uow: Uow) -> None:
    opened = await asyncio.gather(*(until_done(uow, lambda tx: tx.threads.opened(thread())) for _ in range(10)))
    assert {each.conversation_id for each in opened} == {CONVERSATION}


async def test_a_conversation_is_due_once_its_time_has_come_unless_woken_or_a_persons(uow: Uow) -> None:
    async with uow() as tx:
        for name, values in (
            ("due", {"answer_at": later(1)}),
            ("later", {"answer_at": later(9)}),
            ("idle", {}),
            ("person", {"answer_at": later(1), "handoff": Handoff.HUMAN, "handoff_until": later(5)}),
        ):
            await tx.threads.opened(thread(name))
            await tx.threads.save(thread(name, **values))  # type: ignore[arg-type]
        assert await tx.threads.due(later(1), 10) == ["due"]
        await tx.threads.wake(["due"], later(2))
        assert await tx.threads.due(later(1), 10) == []
        assert await tx.threads.due(later(2), 10) == ["due"]
        assert await tx.threads.handed_back(later(4), 10) == []
        assert await tx.threads.handed_back(later(5), 10) == ["person"]
        assert [each.conversation_id for each in await tx.threads.listed(limit=9, handoff=Handoff.HUMAN)] == ["person"]


async def test_conversations_that_differ_in_case_or_a_trailing_space_are_different(uow: Uow) -> None:
    async with uow() as tx:
        for name in ("cv+Q==", "cv+q==", "cv+Q== "):
            await tx.threads.opened(thread(name))
        assert len(await tx.threads.listed(limit=9)) == 3


# What was said.


async def test_the_last_messages_are_told_oldest_first_by_tiktoks_clock(uow: Uow) -> None:
    async with uow() as tx:
        for minutes, content in ((3, "three"), (1, "one"), (2, "two"), (2, "two again"), (-2000, "long ago")):
            await tx.chat.add(said(content, provider_ts=later(minutes)))
        recent = await tx.chat.recent(CONVERSATION, since=later(-1440), limit=3)
        assert [each.content for each in recent] == ["two", "two again", "three"]
        assert await tx.chat.count_since(CONVERSATION, later(1)) == 3
        assert (await tx.chat.recent(CONVERSATION, since=later(-1440), limit=9))[0].content == "one"


async def test_a_message_knows_the_reply_that_answers_it(uow: Uow) -> None:
    numbers = await added(uow, webhook(), webhook())
    async with uow() as tx:
        for number in numbers:
            await tx.chat.add(said(EVERY_SCRIPT, event_id=number))
        await tx.chat.add(said("a word of the shop", role=Role.OPERATOR))
        assert len(await tx.chat.unanswered(CONVERSATION)) == 2
        await tx.chat.answered(numbers, 7)
        assert await tx.chat.unanswered(CONVERSATION) == []
        assert {each.reply_id for each in (await tx.chat.of_events(numbers)).values()} == {7}


async def test_a_business_that_leaves_takes_its_texts_and_tokens_along(uow: Uow) -> None:
    await added(uow, webhook(), webhook(business_id="another"))
    async with uow() as tx:
        await tx.threads.opened(thread())
        await tx.threads.opened(thread("other", business_id="another"))
        for conversation in (CONVERSATION, "other"):
            await tx.chat.add(said(conversation_id=conversation))
        await tx.tokens.put(tokens())
        assert await tx.webhooks.erase(BUSINESS) == 1
        assert await tx.chat.erase(BUSINESS) == 1
        assert await tx.tokens.forget(BUSINESS)
        assert not await tx.tokens.forget(BUSINESS)
        assert [each.content for each in await tx.chat.recent(CONVERSATION, since=NOON, limit=1)] == [""]
        assert [each.content for each in await tx.chat.recent("other", since=NOON, limit=1)] != [""]
