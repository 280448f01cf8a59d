"""What is stored of what the business says, and by whose leave, on every database."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from persistence.uow import Uow
from schemas.replies.records import ReplyState
from tests.build.records import NOON
from tests.build.replies import BUSINESS, CONVERSATION, later, reply, thread, tokens, until_done

LEASE = timedelta(minutes=2)


async def test_an_event_has_one_reply_of_an_ordinal(uow: Uow) -> None:
    async with uow() as tx:
        assert await tx.replies.add(reply(reply_to_event=1)) is not None
        assert await tx.replies.add(reply("again", reply_to_event=1)) is None
        assert await tx.replies.add(reply("a second part", reply_to_event=1, ordinal=1)) is not None
        assert await tx.replies.add(reply("by hand")) is not None
        assert await tx.replies.add(reply("by hand")) is not None


async def test_a_reply_is_begun_by_one_and_ended_by_who_began_it(uow: Uow) -> None:
    async with uow() as tx:
        await tx.threads.opened(thread())
        number = await tx.replies.add(reply(reply_to_event=1))
        assert number
        assert await tx.threads.due_to_send(NOON, 10) == [CONVERSATION]
        assert await tx.replies.begin(number, now=NOON, token="a", lease=LEASE)
        assert not await tx.replies.begin(number, now=NOON, token="b", lease=LEASE)
        assert await tx.threads.due_to_send(NOON, 10) == []
        (open_,) = await tx.replies.open_of(CONVERSATION)
        assert (open_.state, open_.attempts, open_.sending_at) == (ReplyState.SENDING, 1, NOON)
        done = replace(open_, state=ReplyState.SENT, provider_message_id="mid-5002", sent_at=later(1))
        assert not await tx.replies.finish(done, token="b")
        assert await tx.replies.finish(done, token="a")
        assert not await tx.replies.finish(done, token="a")
        assert await tx.replies.open_of(CONVERSATION) == []
        assert await tx.replies.get(number) == done
        assert await tx.replies.counts() == {ReplyState.SENT: 1}


async def test_a_reply_that_waits_is_due_at_its_time_and_wakes_once(uow: Uow) -> None:
    async with uow() as tx:
        await tx.threads.opened(thread())
        await tx.replies.add(reply(not_before=later(1)))
        assert await tx.threads.due_to_send(NOON, 10) == []
        assert await tx.threads.due_to_send(later(1), 10) == [CONVERSATION]
        await tx.threads.wake([CONVERSATION], later(2), to_send=True)
        assert await tx.threads.due_to_send(later(1), 10) == []
        assert await tx.threads.due_to_send(later(2), 10) == [CONVERSATION]
        assert await tx.replies.cancel(CONVERSATION, later(2), "the customer wants no more") == 1
        assert await tx.threads.due_to_send(later(2), 10) == []


async def test_a_call_that_was_cut_off_is_uncertain_and_never_due_again_by_itself(uow: Uow) -> None:
    async with uow() as tx:
        await tx.threads.opened(thread())
        number = await tx.replies.add(reply())
        assert number
        await tx.replies.begin(number, now=NOON, token="a", lease=LEASE)
        assert await tx.replies.abandoned(CONVERSATION, later(1)) == []
        assert await tx.threads.due_to_send(later(2), 10) == [CONVERSATION]
        assert await tx.replies.abandoned(CONVERSATION, later(2)) == [number]
        assert await tx.threads.due_to_send(later(99), 10) == []
        assert [each.id for each in await tx.replies.unsettled(later(1), 10)] == [number]
        assert await tx.replies.judge(number, ReplyState.PENDING, later(3), "ann: not in the chat")
        assert not await tx.replies.judge(number, ReplyState.PENDING, later(3), "ann: not in the chat")
        assert await tx.threads.due_to_send(later(3), 10) == [CONVERSATION]


@pytest.mark.parametrize("state", [ReplyState.SENDING, ReplyState.UNCERTAIN])
async def test_an_echo_settles_what_nobody_knew_by_its_words(uow: Uow, state: ReplyState) -> None:
    async with uow() as tx:
        await tx.threads.opened(thread())
        numbers = [await tx.replies.add(reply(body)) for body in ("one", "two", "two")]
        for minutes, number in enumerate(numbers):
            assert number
            await tx.replies.begin(number, now=later(minutes), token="a", lease=LEASE)
        if state is ReplyState.UNCERTAIN:
            await tx.replies.abandoned(CONVERSATION, later(9))
        settled = await tx.replies.echoed(CONVERSATION, "mid-9", "two", later(3), later(4))
        assert settled
        assert (settled.id, settled.state, settled.provider_message_id) == (numbers[1], ReplyState.SENT, "mid-9")
        assert settled.sent_at == later(3)
        again = await tx.replies.echoed(CONVERSATION, "mid-9", "two", later(3), later(5))
        assert again == settled
        second = await tx.replies.echoed(CONVERSATION, "mid-10", "two", later(3), later(5))
        assert second
        assert second.id == numbers[2]
        assert await tx.replies.echoed(CONVERSATION, "mid-11", "by a person", later(3), later(5)) is None
        assert await tx.replies.echoed("other", "mid-12", "one", later(3), later(5)) is None


async def test_an_echo_from_before_the_call_is_not_of_it(uow: Uow) -> None:
    async with uow() as tx:
        number = await tx.replies.add(reply("hello"))
        assert number
        await tx.replies.begin(number, now=NOON, token="a", lease=LEASE)
        assert await tx.replies.echoed(CONVERSATION, "mid-1", "hello", later(-10), later(1)) is None


# Accounts.


async def test_one_of_ten_exchanges_an_accounts_tokens(uow: Uow) -> None:
    async with uow() as tx:
        await tx.tokens.put(tokens())

    def begin(name: str) -> Any:
        return until_done(uow, lambda tx: tx.tokens.begin_refresh(BUSINESS, token=name, now=NOON, until=later(1)))

    begun = await asyncio.gather(*(begin(f"worker {number}") for number in range(10)))
    assert sum(begun) == 1
    winner = f"worker {begun.index(True)}"
    fresh = tokens(access_token="sealed 2", refresh_token="rotated", access_expires_at=later(1440), updated_at=later(1))
    async with uow() as tx:
        assert not await tx.tokens.refreshed(fresh, token="somebody else")
        assert await tx.tokens.refreshed(fresh, token=winner)
        stored = await tx.tokens.get(BUSINESS)
        assert stored
        assert replace(stored, id=None) == fresh
        assert await begin_again(tx)


async def begin_again(tx: Any) -> bool:
    return bool(await tx.tokens.begin_refresh(BUSINESS, token="z", now=later(2), until=later(3)))


async def test_a_broken_or_paused_account_is_mended_by_connecting_it_again(uow: Uow) -> None:
    async with uow() as tx:
        await tx.tokens.put(tokens())
        await tx.tokens.broken(tokens(), "40105 after a refresh", later(1))
        await tx.tokens.pause(BUSINESS, later(60), "40064", later(1))
        (stored,) = await tx.tokens.listed()
        assert (stored.broken_reason, stored.paused_until) == ("40105 after a refresh", later(60))
        await tx.tokens.put(tokens(updated_at=later(2)))
        (stored,) = await tx.tokens.listed()
        assert (stored.broken_reason, stored.paused_until, stored.created_at) == (None, None, NOON)


async def test_what_was_under_way_when_an_account_was_connected_anew_changes_nothing(uow: Uow) -> None:
    fresh = tokens(access_token="sealed anew", created_at=later(2))
    async with uow() as tx:
        await tx.tokens.put(tokens())
        assert await tx.tokens.begin_refresh(BUSINESS, token="mine", now=later(1), until=later(3))
        await tx.tokens.put(fresh)
        assert not await tx.tokens.refreshed(tokens(access_token="of the old grant"), token="mine")
        assert not await tx.tokens.broken(tokens(), "its refresh token was refused", later(2))
        stored = await tx.tokens.get(BUSINESS)
    assert stored is not None
    assert (stored.access_token, stored.broken_reason, stored.created_at) == ("sealed anew", None, later(2))
