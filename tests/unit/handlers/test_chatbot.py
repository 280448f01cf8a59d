"""A chat task is written to its creator once, whatever happens around it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from brokers.verdict import Conflict, Reject, Retryable, Unavailable
from handlers.chatbot import RECORD_TRIES, Unrecorded
from schemas.chatbot.messages import ChatTask
from schemas.chatbot.records import DeliveryState
from schemas.chatbot.sending import InDoubt
from tests.build.chatbot import NOON, Chatbot, chat, task
from tests.fakes.clock import FakeClock


@pytest.fixture
def bot() -> Chatbot:
    return Chatbot()


def reminder(**changes: Any) -> dict[str, Any]:
    return task(**{"sampleId": "9C1E7B44-2D3F-4E1A-8B60-51D0C7A2F9E8", "scenario": "shipped", "run": 1} | changes)


def merged() -> dict[str, Any]:
    messages = [
        {"content": "va en camino", "meta": {"scenario": "shipped", "run": 1}},
        {"content": "falta el código", "meta": {"scenario": "missing_ad_code", "run": 2}},
    ]
    return task(sampleId="S1", scenarios=["shipped", "missing_ad_code"], runs=[1, 2], messages=messages)


async def test_a_task_is_sent_and_recorded_with_who_sent_it_and_when(bot: Chatbot) -> None:
    await bot.receive(chat(reminder()))
    sent = bot.deliveries[0]
    assert (sent.state, sent.sender, sent.sent_at, sent.attempts) == (DeliveryState.SENT, "fake", NOON, 1)
    assert (sent.scenario, sent.run, sent.messages) == ("shipped", 1, [{"type": "text", "content": "Hola Lupita"}])


async def test_the_attempt_is_recorded_before_the_call_and_no_transaction_is_open_during_it(bot: Chatbot) -> None:
    seen = []
    bot.sender.watch = lambda: seen.append((bot.states, bot.uow.is_open))
    await bot.receive(chat())
    assert seen == [(["sending"], False)]


async def test_a_redelivered_message_sends_nothing_again(bot: Chatbot) -> None:
    delivery = chat(task(), task(platformCreatorId="2"))
    await bot.receive(delivery)
    await bot.receive(delivery)
    assert len(bot.sender.sent) == 2


async def test_the_same_reminder_in_another_message_is_not_sent_again(bot: Chatbot) -> None:
    await bot.receive(chat(reminder(), message_id="one"))
    await bot.receive(chat(task(platformCreatorId="2"), reminder(), message_id="two"))
    assert [sent.platform_creator_id for sent in bot.sender.sent] == ["7495000000000000321", "2"]


async def test_the_same_words_in_another_message_are_sent_again_if_no_reminder_names_them(bot: Chatbot) -> None:
    await bot.receive(chat(message_id="one"))
    await bot.receive(chat(message_id="two"))
    assert len(bot.sender.sent) == 2


async def test_a_body_without_an_id_of_its_own_is_a_repeat_today_and_news_tomorrow(bot: Chatbot) -> None:
    await bot.receive(chat(is_derived=True))
    await bot.receive(chat(is_derived=True, observed_at=NOON + timedelta(hours=1)))
    assert len(bot.sender.sent) == 1
    await bot.receive(chat(is_derived=True, observed_at=NOON + timedelta(days=1)))
    assert len(bot.sender.sent) == 2


async def test_a_task_interrupted_while_it_was_sent_is_uncertain_and_never_sent_again(bot: Chatbot) -> None:
    bot.fail("7495000000000000321", asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await bot.receive(chat())
    bot.heal()
    await bot.receive(chat())
    await bot.receive(chat())
    assert bot.states == ["uncertain"]
    assert bot.sender.sent == []
    assert bot.deliveries[0].reason


async def test_an_interrupted_task_does_not_keep_the_rest_of_its_batch_from_being_sent(bot: Chatbot) -> None:
    delivery = chat(task(), task(platformCreatorId="2"))
    bot.fail("7495000000000000321", asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await bot.receive(delivery)
    bot.heal()
    await bot.receive(delivery)
    assert bot.states == ["uncertain", "sent"]


async def test_one_task_that_fails_for_now_is_retried_alone(bot: Chatbot) -> None:
    delivery = chat(task(), task(platformCreatorId="2"), task(platformCreatorId="3"))
    bot.fail("2", Retryable("the chat did not open", after=timedelta(seconds=137)))
    with pytest.raises(Retryable, match="task 1: the chat did not open") as caught:
        await bot.receive(delivery)
    assert caught.value.after == timedelta(seconds=137)
    assert bot.states == ["sent", "failed", "sent"]
    bot.heal()
    await bot.receive(replace(delivery, attempt=2))
    assert [sent.platform_creator_id for sent in bot.sender.sent] == ["7495000000000000321", "3", "2"]
    assert bot.states == ["sent"] * 3


async def test_a_task_that_can_never_be_sent_is_recorded_and_parked_with_its_reason(bot: Chatbot) -> None:
    delivery = chat(task(), task(platformCreatorId="2"))
    bot.fail("7495000000000000321", Reject("there is no such creator"))
    with pytest.raises(Reject, match="task 0: there is no such creator"):
        await bot.receive(delivery)
    assert bot.states == ["failed", "sent"]
    assert bot.deliveries[0].reason == "there is no such creator"


async def test_a_redriven_dead_letter_sends_only_what_was_not_sent(bot: Chatbot) -> None:
    delivery = chat(task(), task(platformCreatorId="2"))
    bot.fail("7495000000000000321", Reject("there is no such creator"))
    with pytest.raises(Reject):
        await bot.receive(delivery)
    bot.heal()
    await bot.receive(delivery)
    assert [sent.platform_creator_id for sent in bot.sender.sent] == ["2", "7495000000000000321"]


async def test_a_batch_with_both_kinds_of_failure_is_retried_before_it_is_parked(bot: Chatbot) -> None:
    failures = {"1": Reject("no such creator"), "2": Retryable("the chat did not open")}
    bot.sender.fails = lambda task: failures.get(task.platform_creator_id)
    delivery = chat(task(platformCreatorId="1"), task(platformCreatorId="2"))
    with pytest.raises(Retryable, match=r"task 0: no such creator; task 1"):
        await bot.receive(delivery)
    del failures["2"]
    with pytest.raises(Reject):
        await bot.receive(delivery)


async def test_a_sender_that_is_away_fails_no_task(bot: Chatbot) -> None:
    bot.fail("7495000000000000321", Unavailable("the browser is away"))
    with pytest.raises(Unavailable):
        await bot.receive(chat())
    assert (bot.states, bot.deliveries[0].attempts) == (["pending"], 0)
    bot.heal()
    await bot.receive(chat())
    assert bot.states == ["sent"]


async def test_a_lost_race_after_the_call_does_not_make_its_outcome_unknown(bot: Chatbot) -> None:
    bot.uow.losses = [None, *[Conflict("deadlock")] * (RECORD_TRIES - 1)]
    await bot.receive(chat())
    assert (bot.states, len(bot.sender.sent)) == (["sent"], 1)


async def test_a_lost_race_before_the_call_sends_nothing_and_leaves_no_trace(bot: Chatbot) -> None:
    bot.uow.losses = [Conflict("deadlock")]
    with pytest.raises(Conflict):
        await bot.receive(chat())
    assert (bot.states, bot.sender.sent) == ([], [])


async def test_a_database_lost_during_the_call_hears_of_its_outcome_when_it_is_back(bot: Chatbot) -> None:
    bot.sender.watch = bot.lose_database
    with pytest.raises(Unavailable):
        await bot.receive(chat())
    bot.uow.is_away = False
    await bot.receive(chat())
    assert (bot.states, len(bot.sender.sent)) == (["sent"], 1)


async def test_a_failure_that_a_lost_database_did_not_hear_of_is_tried_again(bot: Chatbot) -> None:
    bot.sender.watch = bot.lose_database
    bot.fail("7495000000000000321", Retryable("the chat did not open"))
    with pytest.raises(Unavailable):
        await bot.receive(chat())
    bot.uow.is_away, bot.sender.watch = False, lambda: None
    bot.heal()
    await bot.receive(chat())
    assert (bot.states, bot.deliveries[0].attempts, len(bot.sender.sent)) == (["sent"], 2, 1)


async def test_what_one_message_has_left_unrecorded_the_next_one_records(bot: Chatbot) -> None:
    bot.sender.watch = bot.lose_database
    with pytest.raises(Unavailable):
        await bot.receive(chat())
    bot.uow.is_away, bot.sender.watch = False, lambda: None
    await bot.receive(chat(task(platformCreatorId="2"), message_id="the next"))
    assert bot.states == ["sent", "sent"]


async def test_what_a_process_did_not_live_to_record_is_uncertain(bot: Chatbot) -> None:
    bot.sender.watch = bot.lose_database
    with pytest.raises(Unavailable):
        await bot.receive(chat())
    bot.uow.is_away, bot.unrecorded = False, Unrecorded()
    await bot.receive(chat())
    assert (bot.states, len(bot.sender.sent)) == (["uncertain"], 1)


async def test_a_commit_whose_answer_was_lost_before_the_call_leaves_nothing_uncertain(bot: Chatbot) -> None:
    bot.uow.is_deaf = True
    with pytest.raises(Unavailable):
        await bot.receive(chat())
    assert bot.states == ["sending"]
    bot.uow.is_deaf = False
    await bot.receive(chat())
    assert (bot.states, bot.deliveries[0].attempts, len(bot.sender.sent)) == (["sent"], 1, 1)


async def test_a_try_of_somebody_else_is_not_taken_for_ours(bot: Chatbot) -> None:
    bot.uow.losses = [Unavailable("the database went away")]  # what was begun here is not there
    with pytest.raises(Unavailable):
        await bot.receive(chat())
    other = Chatbot()
    other.uow, other.clock = bot.uow, FakeClock(NOON + timedelta(milliseconds=1))
    other.fail("7495000000000000321", asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await other.receive(chat())
    await bot.receive(chat())
    assert (bot.states, bot.sender.sent) == (["uncertain"], [])


async def test_a_copy_that_took_a_finished_call_for_interrupted_is_put_right(bot: Chatbot) -> None:
    bot.sender.watch = bot.lose_database
    with pytest.raises(Unavailable):
        await bot.receive(chat(reminder()))
    bot.uow.is_away = False
    other = Chatbot()
    other.uow = bot.uow
    await other.receive(chat(reminder(), message_id="the copy"))
    assert bot.states == ["uncertain"]
    await bot.receive(chat(reminder()))
    assert (bot.states, len(bot.sender.sent), other.sender.sent) == (["sent"], 1, [])


async def test_a_copy_that_arrives_while_the_first_is_being_sent_comes_again_and_sends_nothing(bot: Chatbot) -> None:
    first = bot.sender.send

    async def send(task: ChatTask) -> Any:
        bot.sender.send = first  # type: ignore[method-assign]  # the copy must not wait for itself
        with pytest.raises(Conflict, match="at this moment"):
            await bot.receive(chat(reminder(), message_id="the copy"))
        assert bot.states == ["sending"]
        return await first(task)

    bot.sender.send = send  # type: ignore[method-assign]  # a slow chat, in which the copy arrives
    await bot.receive(chat(reminder()))
    await bot.receive(chat(reminder(), message_id="the copy"))
    assert (bot.states, len(bot.sender.sent)) == (["sent"], 1)


async def test_a_merged_task_is_sent_as_one_and_recorded_for_each_reminder(bot: Chatbot) -> None:
    await bot.receive(chat(merged()))
    assert len(bot.sender.sent) == 1
    assert sorted((one.scenario, one.run) for one in bot.deliveries) == [("missing_ad_code", 2), ("shipped", 1)]


async def test_of_a_merged_task_only_the_reminders_not_told_yet_are_sent(bot: Chatbot) -> None:
    await bot.receive(chat(reminder(sampleId="s1"), message_id="before"))
    await bot.receive(chat(merged()))
    assert bot.sender.texts == ["Hola Lupita", "falta el código"]


async def test_two_merged_reminders_told_before_are_not_told_again_one_by_one(bot: Chatbot) -> None:
    await bot.receive(chat(merged()))
    await bot.receive(chat(reminder(sampleId="S1"), message_id="after"))
    assert bot.sender.texts == ["va en camino", "falta el código"]


async def test_unknown_keys_reach_the_sender(bot: Chatbot) -> None:
    await bot.receive(chat(task(theme="dark")))
    assert bot.sender.sent[0].model_extra == {"theme": "dark"}


async def test_nothing_is_recorded_as_begun_while_the_sender_waits(bot: Chatbot) -> None:
    bot.sender.is_unready = lambda _: Unavailable("no account may write now")
    with pytest.raises(Unavailable):
        await bot.receive(chat())
    assert bot.deliveries == []


@pytest.mark.parametrize("verdict", [Retryable("resting"), Reject("no account")])
async def test_a_sender_that_will_not_take_a_task_is_recorded_as_the_reason(bot: Chatbot, verdict: Exception) -> None:
    bot.sender.is_unready = lambda _: verdict
    with pytest.raises(type(verdict)):
        await bot.receive(chat())
    (known,) = bot.deliveries
    assert (known.state, known.reason, known.attempts) == (DeliveryState.FAILED, str(verdict), 0)


async def test_a_repeat_is_none_of_the_sender_s_business(bot: Chatbot) -> None:
    await bot.receive(chat())
    bot.sender.is_unready = lambda _: Retryable("resting")
    await bot.receive(chat())
    assert bot.states == ["sent"]


async def test_what_was_interrupted_is_uncertain_though_the_sender_is_not_ready(bot: Chatbot) -> None:
    bot.fail("7495000000000000321", asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await bot.receive(chat())
    bot.sender.is_unready = lambda _: Retryable("resting")
    await bot.receive(chat())
    assert bot.states == ["uncertain"]


async def test_a_doubt_of_the_sender_is_uncertain_at_once_and_the_message_is_done_with(bot: Chatbot) -> None:
    bot.fail("7495000000000000321", InDoubt("no bubble within 20 s"))
    await bot.receive(chat())
    bot.heal()
    await bot.receive(chat())
    assert (bot.states, bot.deliveries[0].reason, bot.sender.sent) == (["uncertain"], "no bubble within 20 s", [])
