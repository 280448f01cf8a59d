"""Replies are sent once, in order, inside the window, and nobody is told twice of what TikTok may have delivered."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from adapters.replies.port import Outcome
from brokers.verdict import Unavailable
from handlers.replies import sending as handler
from handlers.replies.sending import LEASE
from persistence.uow import Uow
from schemas.replies.records import Handoff, ReplyKind, ReplyState, Role
from tests.build.records import NOON
from tests.build.replies import CONVERSATION, CUSTOMER, later, said
from tests.build.sending import Sending, sending

S = ReplyState
WINDOW = timedelta(hours=48)


@pytest.fixture
async def line(uow: Uow) -> AsyncIterator[Sending]:
    async with sending(uow, patience=timedelta(seconds=0.5)) as made:
        yield made


async def states(line: Sending, *numbers: int) -> list[ReplyState]:
    return [(await line.reply(each)).state for each in numbers]


async def test_what_waits_is_sent_once_and_in_order(line: Sending) -> None:
    numbers = await line.say("one", "two", "three")
    for _ in range(2):
        await line.send()
    assert line.heard == ["one", "two", "three"]
    assert await states(line, *numbers) == [S.SENT] * 3
    first = await line.reply(numbers[0])
    assert (first.provider_message_id, first.sent_at, first.attempts) == ("mid-1", NOON, 1)
    assert (await line.thread()).window_sent_count == 3
    async with line.uow() as tx:
        spoken = await tx.chat.recent(CONVERSATION, since=NOON, limit=10)
    heard = [(each.role, each.content, each.provider_message_id, each.reply_id) for each in spoken]
    assert heard[0] == (Role.ASSISTANT, "one", "mid-1", numbers[0])
    assert len(heard) == 3


async def test_a_reply_to_what_was_said_47_hours_58_minutes_ago_is_sent_and_one_after_48_hours_is_not(
    line: Sending,
) -> None:
    (first,) = await line.say("in time", expires_at=NOON + WINDOW)
    await line.send(after=WINDOW - timedelta(minutes=2))
    (second,) = await line.say("late", expires_at=NOON + WINDOW + timedelta(hours=1))
    await line.send(after=timedelta(minutes=2, seconds=1))
    assert line.heard == ["in time"]
    assert await states(line, first, second) == [S.SENT, S.EXPIRED]
    assert (await line.reply(second)).error_code == "window"


async def test_the_tenth_message_of_a_window_is_kept_for_the_hand_over(line: Sending) -> None:
    numbers = await line.say(*(f"message {number}" for number in range(10)))
    (handed,) = await line.say("A person takes over.", kind=ReplyKind.HANDOVER)
    (eleventh,) = await line.say("Another person takes over.", kind=ReplyKind.HANDOVER)
    await line.send()
    assert await states(line, *numbers) == [S.SENT] * 9 + [S.FAILED]
    assert await states(line, handed, eleventh) == [S.SENT, S.FAILED]
    assert len(line.heard) == 10
    assert (await line.reply(numbers[9])).error_code == "quota"


async def test_whoever_wants_no_more_gets_the_confirmation_and_nothing_else(line: Sending) -> None:
    (answer,) = await line.say("an answer", created_at=later(-1))
    async with line.uow() as tx:
        await tx.people.opt(CUSTOMER, out_at=NOON)
    (confirmation,) = await line.say("You will hear no more.", kind=ReplyKind.NOTICE)
    await line.send()
    assert line.heard == ["You will hear no more."]
    assert await states(line, answer, confirmation) == [S.CANCELLED, S.SENT]


async def test_the_bot_is_silent_once_a_person_has_answered(line: Sending) -> None:
    (answer,) = await line.say("an answer of the bot's")
    async with line.uow() as tx:
        await tx.chat.add(said("I am on it", role=Role.OPERATOR, provider_ts=later(0.5)))
    await line.send(after=timedelta(minutes=1))
    assert (line.heard, await states(line, answer)) == ([], [S.CANCELLED])


async def test_a_reply_that_was_refused_while_a_person_took_over_is_not_sent_later(
    line: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.tiktok.next.append("40100")
    (answer,) = await line.say("an answer of the bot's")

    async def take_over(_: Outcome) -> None:
        async with line.uow() as tx:
            known = await tx.threads.get(CONVERSATION, for_update=True)
            assert known
            await tx.threads.save(replace(known, handoff=Handoff.HUMAN, handoff_until=None))

    monkeypatch.setattr(line.adapter, "overheard", take_over)
    await line.send()
    await line.send(after=timedelta(minutes=1))
    assert (line.heard, await states(line, answer)) == ([], [S.CANCELLED])
    assert (await line.thread()).window_sent_count == 0


async def test_what_became_of_a_call_is_written_down_though_sql_was_away(
    line: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    (answer,) = await line.say("one")
    uow, away = line.uow, [True, True]

    def sometimes(*args: Any) -> Any:
        if line.heard and away:
            away.pop()
            raise Unavailable("SQL is away")
        return uow(*args)

    monkeypatch.setattr(line, "uow", sometimes)
    monkeypatch.setattr(handler, "RECORD_PAUSE", timedelta())
    await line.send()
    monkeypatch.setattr(line, "uow", uow)
    assert (line.heard, await states(line, answer), away) == (["one"], [S.SENT], [])


async def test_what_was_erased_is_not_sent(line: Sending) -> None:
    (answer,) = await line.say("one")
    async with line.uow() as tx:
        assert await tx.replies.begin(answer, now=line.now, token="mine", lease=timedelta(minutes=1))
        begun = await tx.replies.get(answer)
        assert begun
        await tx.replies.erase(begun.business_id, line.now, "the account was disconnected")
        assert await tx.replies.finish(replace(begun, state=S.PENDING), token="mine")
    assert (await line.reply(answer)).body == ""
    await line.send()
    assert (line.heard, await states(line, answer)) == ([], [S.CANCELLED])


async def test_a_throttled_reply_is_delivered_once_with_growing_gaps(line: Sending) -> None:
    line.tiktok.next.extend(["40100"] * 3)
    (number,) = await line.say("one")
    (behind,) = await line.say("two")
    moments = []
    for _ in range(4):
        await line.send()
        moments.append(line.now)
        waits = await line.reply(number)
        if waits.state is S.PENDING:
            assert await line.due() == []
            line.now = waits.not_before
            assert await line.due() == [CONVERSATION]
    gaps = [(b - a).total_seconds() for a, b in pairwise(moments)]
    assert gaps == sorted(gaps)
    assert all(1 <= gap / 2**place <= 2.001 for place, gap in enumerate(gaps))
    assert line.heard == ["one", "two"]
    assert await states(line, number, behind) == [S.SENT] * 2
    assert (await line.reply(number)).attempts == 4
    assert (await line.thread()).window_sent_count == 2


async def test_what_messaging_rules_block_is_tried_once_and_the_conversation_rests(line: Sending) -> None:
    line.tiktok.next.extend(["40064"])
    blocked, behind = await line.say("one", "two")
    await line.send()
    await line.send(after=timedelta(minutes=5))
    assert len(line.tiktok.arrivals) == 1
    assert await states(line, blocked, behind) == [S.FAILED, S.PENDING]
    thread = await line.thread()
    assert thread.paused_until == NOON + timedelta(hours=1)
    assert (await line.account()).paused_until is None
    await line.send(after=timedelta(hours=1))
    assert await states(line, behind) == [S.SENT]


async def test_blocked_twice_in_ten_minutes_the_account_rests(line: Sending) -> None:
    line.tiktok.next.extend(["40064"] * 2)
    await line.opened("cv-2")
    await line.say("one")
    await line.say("two", conversation_id="cv-2")
    await line.send()
    await line.send("cv-2", after=timedelta(minutes=9))
    account = await line.account()
    assert account.paused_until == line.now + timedelta(hours=1)
    await line.opened("cv-3")
    (third,) = await line.say("three", conversation_id="cv-3")
    await line.send("cv-3")
    assert (len(line.tiktok.arrivals), await states(line, third)) == (2, [S.PENDING])


@pytest.mark.parametrize("code", ["40001", "40002", "40007", "49999"])
async def test_what_is_refused_for_good_is_tried_once(line: Sending, code: str) -> None:
    line.tiktok.next.append(code)
    refused, behind = await line.say("one", "two")
    await line.send()
    assert line.heard == ["two"]
    assert await states(line, refused, behind) == [S.FAILED, S.SENT]
    assert (await line.reply(refused)).error_code == code


@pytest.mark.parametrize("fault", ["hang", "lost", "503", "numberless"])
async def test_what_may_have_arrived_is_not_sent_again_and_is_found_at_tiktok(line: Sending, fault: str) -> None:
    line.tiktok.set_faults(hang_s=2)
    line.tiktok.next.append(fault)
    (number,) = await line.say("one")
    await line.send()
    assert await states(line, number) == [S.UNCERTAIN]
    await line.send(after=timedelta(seconds=30))
    assert await states(line, number) == [S.UNCERTAIN]
    line.now += timedelta(seconds=31)
    assert await line.due() == [CONVERSATION]
    await line.send()
    assert line.heard == ["one"]
    settled = await line.reply(number)
    assert (settled.state, settled.provider_message_id) == (S.SENT, "mid-1")
    assert (await line.thread()).window_sent_count == 1


async def test_what_tiktok_does_not_know_waits_for_an_operator(line: Sending) -> None:
    line.tiktok.next.append("51999")  # a failure of theirs that has no name: nothing was taken, which nobody knows
    uncertain, behind = await line.say("one", "two")
    await line.send()
    assert await states(line, uncertain, behind) == [S.UNCERTAIN, S.SENT]
    for _ in range(3):
        await line.send(after=timedelta(minutes=2))
    assert await states(line, uncertain) == [S.UNCERTAIN]
    assert (line.heard, await line.due()) == (["two"], [])
    async with line.uow() as tx:
        assert await tx.replies.judge(uncertain, S.PENDING, line.now, "ann: not in the chat")
    await line.send()
    assert line.heard == ["two", "one"]


async def _killed(business_id: str) -> timedelta:
    raise asyncio.CancelledError(business_id)


async def test_a_sender_that_was_killed_before_the_call_has_sent_nothing_and_the_next_one_does(
    line: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    (number,) = await line.say("one")
    with monkeypatch.context() as patch:
        patch.setattr(line.voice.pace, "turn", _killed)
        with pytest.raises(asyncio.CancelledError):
            await line.send()
    await line.send(after=timedelta(seconds=5))
    assert (line.heard, await states(line, number)) == (["one"], [S.SENT])


@pytest.mark.parametrize("is_taken", [True, False])
async def test_a_sender_that_was_killed_in_the_call_is_found_out_about(line: Sending, is_taken: bool) -> None:
    number, behind = await line.say("one", "two")
    line.adapter.dies = "after" if is_taken else "instead"
    with pytest.raises(asyncio.CancelledError):
        await line.send()
    assert await states(line, number) == [S.SENDING]
    await line.send(after=timedelta(seconds=5))
    assert await states(line, number, behind) == [S.SENDING, S.PENDING]
    line.now += LEASE
    assert await line.due() == [CONVERSATION]
    await line.send()
    assert await states(line, number, behind) == [S.SENT if is_taken else S.UNCERTAIN, S.SENT]
    assert line.heard == (["one", "two"] if is_taken else ["two"])


async def test_an_echo_that_comes_before_the_answer_settles_the_reply(
    line: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    (number,) = await line.say("one")

    async def overheard(outcome: Outcome) -> None:
        async with line.uow() as tx:
            await tx.replies.echoed(CONVERSATION, outcome.message_id or "", "one", NOON, NOON)

    monkeypatch.setattr(line.adapter, "overheard", overheard)
    await line.send()
    assert (line.heard, await states(line, number)) == (["one"], [S.SENT])


async def test_the_number_of_an_earlier_twin_is_no_obstacle(line: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    line.tiktok.next.append("51999")
    first, second = await line.say("the menu", "the menu")

    async def overheard(outcome: Outcome) -> None:
        if outcome.message_id:
            async with line.uow() as tx:
                await tx.replies.echoed(CONVERSATION, outcome.message_id, "the menu", NOON, NOON)

    monkeypatch.setattr(line.adapter, "overheard", overheard)
    await line.send()
    assert (line.heard, await states(line, first, second)) == (["the menu"], [S.SENT, S.SENT])


async def test_while_tiktok_is_away_nothing_is_lost_and_nothing_uncertain(line: Sending) -> None:
    line.adapter._base_url, base = "http://127.0.0.1:9", line.adapter._base_url
    (number,) = await line.say("one")
    await line.send()
    waits = await line.reply(number)
    assert (waits.state, waits.attempts) == (S.PENDING, 1)
    line.adapter._base_url = base
    await line.send(after=timedelta(seconds=3))
    assert line.heard == ["one"]


async def test_a_backlog_drains_at_the_accounts_pace(uow: Uow, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sending(uow, a_minute=12) as line:
        monkeypatch.setattr("time.time", lambda: line.now.timestamp())  # noqa: PLW0108 -- the clock moves
        names = [f"cv-{number}" for number in range(40)]
        for name in names:
            await line.opened(name)
            await line.say("hello", conversation_id=name)
        for _ in range(600):
            for name in await line.due():
                await line.send(name)
            if len(line.tiktok.arrivals) == len(names):
                break
            line.now += timedelta(seconds=1)
        arrivals = line.tiktok.arrivals
        assert [line.tiktok.said(name) for name in names] == [["hello"]] * len(names)
        assert max(sum(each <= at < each + 60 for at in arrivals) for each in arrivals) <= 12
        assert arrivals[-1] - arrivals[0] < 4 * 62 + 5
