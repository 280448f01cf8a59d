"""An account speaks with a token that is taken, exchanged once for all senders, or is silent until it is mended."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from deploy.sandbox.tiktok_messages import BUSINESS
from persistence.uow import Uow
from schemas.replies.records import ReplyState
from tests.build.records import NOON
from tests.build.replies import later
from tests.build.sending import Sending, sending

S = ReplyState


@pytest.fixture
async def line(uow: Uow) -> AsyncIterator[Sending]:
    async with sending(uow) as made:
        yield made


async def states(line: Sending, *numbers: int) -> list[ReplyState]:
    return [(await line.reply(each)).state for each in numbers]


async def test_ten_senders_exchange_a_refused_token_once_and_all_replies_arrive(line: Sending) -> None:
    names = [f"cv-{number}" for number in range(10)]
    for name in names:
        await line.opened(name)
        await line.say("hello", conversation_id=name)
    line.tiktok.token = "taken back"
    await asyncio.gather(*(line.send(name) for name in names))
    for _ in range(5):
        line.now += timedelta(seconds=1)
        await asyncio.gather(*(line.send(name) for name in await line.due()))
    assert line.tiktok.exchanges == 1
    assert [line.tiktok.said(name) for name in names] == [["hello"]] * 10
    account = await line.account()
    assert line.vault.open(account.refresh_token or "") == line.tiktok.refresh_token
    assert account.access_token != line.tiktok.token
    assert (account.broken_reason, account.refreshing_until) == (None, None)


async def test_a_token_is_exchanged_shortly_before_it_ends(line: Sending) -> None:
    await line.connected(access_expires_at=later(4))
    await line.say("one")
    await line.send()
    assert (line.tiktok.exchanges, line.heard) == (1, ["one"])
    assert (await line.account()).access_expires_at == NOON + timedelta(days=1)


async def test_a_new_token_that_is_refused_too_stops_the_account(line: Sending) -> None:
    line.tiktok.next.extend(["40105"] * 9)
    (number,) = await line.say("one")
    for _ in range(3):
        await line.send(after=timedelta(seconds=61))
    assert (line.tiktok.exchanges, len(line.tiktok.arrivals)) == (1, 2)
    assert (await line.account()).broken_reason
    assert await states(line, number) == [S.PENDING]
    line.tiktok.next.clear()
    await line.connected(access_token=line.vault.seal(line.tiktok.token))
    await line.send(after=timedelta(seconds=61))
    assert line.heard == ["one"]


async def test_a_refresh_token_that_is_refused_stops_the_account(line: Sending) -> None:
    line.tiktok.token, line.tiktok.refresh_token = "other", "other"
    await line.say("one")
    await line.send()
    assert "refresh token" in ((await line.account()).broken_reason or "")
    await line.send(after=timedelta(seconds=5))
    assert (len(line.tiktok.arrivals), line.heard) == (1, [])


async def test_while_tiktok_cannot_exchange_a_token_that_still_counts_is_used(line: Sending) -> None:
    await line.connected(access_expires_at=later(4))
    await line.say("one")
    line.adapter.is_deaf = True
    await line.send()
    assert line.heard == ["one"]


async def test_an_account_that_is_not_connected_keeps_what_it_has_to_say(line: Sending) -> None:
    async with line.uow() as tx:
        await tx.tokens.forget(BUSINESS)
    (number,) = await line.say("one")
    await line.send()
    assert (line.heard, await states(line, number)) == ([], [S.PENDING])
    await line.connected()
    await line.send(after=timedelta(seconds=61))
    assert line.heard == ["one"]


async def test_a_key_that_was_lost_stops_nothing_for_good(line: Sending) -> None:
    await line.connected(access_token="no key opens this")
    (number,) = await line.say("one")
    await line.send()
    assert await states(line, number) == [S.PENDING]
    await line.connected()
    await line.send(after=timedelta(seconds=61))
    assert line.heard == ["one"]


async def test_a_refresh_token_that_no_key_opens_is_this_accounts_trouble_alone(line: Sending) -> None:
    await line.connected(refresh_token="no key opens this", access_expires_at=later(4))
    await line.say("one")
    await line.send()
    assert line.heard == ["one"]
