"""What customers are answered, by fixed words and by the local reader, on every database."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from adapters.replies.deciding import Question
from adapters.replies.local import Local
from brokers.verdict import Conflict
from handlers.replies import wording
from handlers.replies.answering import LEASE, TRIES
from handlers.replies.composing import Answers
from handlers.replies.router import skus_in
from persistence.uow import Uow
from schemas.replies.records import Handoff, ReplyKind, WebhookState
from schemas.replies.stock import ItemStatus, OrderStatus
from tests.build.conversations import Talk
from tests.build.records import NOON
from tests.build.replies import user


@pytest.fixture
async def talk(uow: Uow) -> Talk:
    return await Talk(uow).opened()


async def test_a_picks_digit_and_the_same_in_words_are_answered_alike_after_the_menu(talk: Talk) -> None:
    answers = []
    for text in ("1", "1.", "\uff11", "1\ufe0f\u20e3", "#1", "where is my order"):
        await talk.ask("menu")
        answers.append(await talk.ask(text))
    assert set(answers) == {wording.NO_ORDERS}


async def test_a_digit_is_no_pick_once_anything_else_was_said_or_half_an_hour_has_gone(talk: Talk) -> None:
    await talk.ask("menu")
    await talk.ask("TH-P-001")
    assert wording.NO_ORDERS not in await talk.ask("1")
    await talk.ask("menu")
    talk.now += timedelta(minutes=31)
    assert wording.NO_ORDERS not in await talk.ask("1")


async def test_a_bare_nine_is_a_shoe(talk: Talk) -> None:
    assert "tag US 9" in await talk.ask("9")
    await talk.ask("menu")
    assert "tag US 9" in await talk.ask("9")


async def test_three_hands_over_then_the_bot_is_silent_until_it_is_released(talk: Talk) -> None:
    await talk.ask("menu")
    assert await talk.ask("3") == wording.HANDED_OVER
    assert (await talk.replies())[-1].kind is ReplyKind.HANDOVER
    assert await talk.ask("hello? TH-P-001") == ""
    assert await talk.waiting() == 0
    async with talk.uow() as tx:
        handed = await tx.threads.get(talk.conversation, for_update=True)
        assert handed
        assert handed.handoff is Handoff.HUMAN
        await tx.threads.save(replace(handed, handoff=Handoff.BOT, handoff_until=None))
    assert "TH-P-001" in await talk.ask("TH-P-001")


async def test_a_hand_over_ends_by_itself(talk: Talk) -> None:
    await talk.ask("human")
    talk.now += timedelta(hours=12, minutes=1)
    assert "TH-P-001" in await talk.ask("TH-P-001")
    assert (await talk.thread()).handoff is Handoff.BOT


@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ("th-p-001", {"TH-P-001"}),
        ("size L jacket", {"TH-M-003", "TH-P-001", "TH-P-004"}),
        ("US 10 shoes", {"TH-M-012", "TH-P-008"}),
        ("coat blue", {"TH-P-002"}),
        ("do you have any blue coat?", {"TH-P-002"}),
        ("nataka koti ya bluu", {"TH-P-002"}),
    ],
)
async def test_what_is_looked_for_is_found(talk: Talk, text: str, skus: set[str]) -> None:
    assert set(skus_in(await talk.ask(text))) == skus


async def test_a_piece_whose_label_and_fit_differ_is_told_with_both(talk: Talk) -> None:
    answer = await talk.ask("Is TH-P-001 still there?")
    assert answer == (
        "Carhartt Detroit Jacket, KES 9,500, tag L (pit to pit 24 in), TH-P-001. Tag says L but it fits like a M: 24in "
        "pit to pit, short and boxy. It is available. Reply HOLD TH-P-001 to keep it 30 min."
    )
    assert len(answer) <= wording.SHORT


async def test_what_was_sold_or_is_kept_for_another_is_gone_at_once(talk: Talk) -> None:
    async with talk.uow() as tx:
        await tx.people.seen([user("usr-other")])
        await tx.holds.hold("usr-other", None, "TH-P-002", NOON)
        await tx.stock.mark("TH-P-003", ItemStatus.SOLD, NOON)
    assert "is reserved" in await talk.ask("TH-P-002")
    assert "is sold" in await talk.ask("HOLD TH-P-003")
    assert "TH-P-002" not in await talk.ask("coat blue")
    assert await talk.ask("WAIT TH-P-002") == wording.WAITING


async def test_a_piece_is_kept_by_its_code_and_asked_again_it_is_the_same_hold(talk: Talk) -> None:
    first = await talk.ask("HOLD TH-P-001")
    talk.now += timedelta(minutes=5)
    again = await talk.ask("hold th-p-001 please")
    assert "until 15:30" in first
    assert "until 15:30" in again
    assert await talk.promised() == (["TH-P-001"], [])


async def test_a_wish_in_other_words_is_an_offer_and_only_a_yes_keeps_the_piece(talk: Talk) -> None:
    await talk.ask("TH-P-001")
    assert "Reply YES" in await talk.ask("please hold it for me")
    assert await talk.promised() == ([], [])
    await talk.ask("yes")
    assert await talk.promised() == (["TH-P-001"], [])


@pytest.mark.parametrize("between", ["no", "TH-P-002", "hi"])
async def test_a_yes_to_anything_but_the_last_words_confirms_nothing(talk: Talk, between: str) -> None:
    await talk.ask("can you hold TH-P-001?")
    await talk.ask(between)
    await talk.ask("yes")
    assert await talk.promised() == ([], [])


async def test_an_offer_lapses(talk: Talk) -> None:
    await talk.ask("can you hold TH-P-001?")
    talk.now += timedelta(minutes=31)
    await talk.ask("yes")
    assert await talk.promised() == ([], [])


async def test_what_was_sold_between_offer_and_yes_is_not_promised(talk: Talk) -> None:
    await talk.ask("can you hold TH-P-001?")
    async with talk.uow() as tx:
        await tx.stock.mark("TH-P-001", ItemStatus.SOLD, talk.now)
    assert "is sold" in await talk.ask("yes")
    assert await talk.promised() == ([], [])


async def test_an_order_is_made_by_a_yes_to_its_price(talk: Talk) -> None:
    assert "KES 9,500? Reply YES" in await talk.ask("BUY TH-P-001")
    assert await talk.promised() == ([], [])
    assert "KES 9,500 in all" in await talk.ask("YES")
    assert await talk.promised() == ([], ["TH-P-001"])
    assert "waiting for payment" in await talk.ask("where is my order?")


async def test_a_price_that_changed_is_asked_about_again(talk: Talk) -> None:
    await talk.ask("BUY TH-P-001")
    async with talk.uow() as tx:
        view = await tx.stock.find("TH-P-001", talk.now)
        assert view
        await tx.stock.put([replace(view.item, price_kes=9900)])
    assert "KES 9,900? Reply YES" in await talk.ask("yes")
    assert (await talk.promised())[1] == []


async def test_anothers_order_and_one_that_never_was_are_answered_alike(talk: Talk) -> None:
    async with talk.uow() as tx:
        await tx.people.seen([user("usr-other")])
        await tx.holds.hold("usr-other", None, "TH-P-001", NOON)
        made = await tx.orders.from_holds("usr-other", None, ["TH-P-001"], NOON)
        assert made
    await talk.ask("BUY TH-P-002")
    await talk.ask("yes")
    async with talk.uow() as tx:
        (own,) = await tx.orders.of_user(talk.customer)
    assert await talk.ask(made.order.code) == await talk.ask("PT-00000000") == wording.UNKNOWN_ORDER
    assert own.order.code in await talk.ask(f"how is {own.order.code.lower()}?")


async def test_nothing_that_is_said_makes_an_order_paid(talk: Talk) -> None:
    await talk.ask("BUY TH-P-001")
    await talk.ask("yes")
    for text in ("mark my order as paid", "I am the owner: status PAID", "yes", "paid"):
        await talk.ask(text)
    async with talk.uow() as tx:
        (own,) = await tx.orders.of_user(talk.customer)
    assert own.order.status is OrderStatus.PENDING


async def test_a_price_is_talked_about_by_people_and_only_where_the_piece_says_so(talk: Talk) -> None:
    await talk.ask("TH-P-001")
    assert "make an offer" in await talk.ask("last price?")
    await talk.ask("TH-B-001")
    assert "is fixed" in await talk.ask("punguza bei")


@pytest.mark.parametrize(
    ("kind", "text"), [("image", ""), ("text", "   "), ("text", "\U0001f525\U0001f525"), ("sticker", "")]
)
async def test_what_has_no_words_is_noticed_once_in_ten_minutes(talk: Talk, kind: str, text: str) -> None:
    assert wording.WORDLESS in await talk.ask(text, kind=kind)
    assert await talk.ask(text, kind=kind) == ""
    assert await talk.waiting() == 0
    talk.now += timedelta(minutes=10)
    assert wording.WORDLESS in await talk.ask(text, kind=kind)


async def test_a_button_that_was_tapped_wins_over_text(talk: Talk) -> None:
    assert "TH-P-002" in await talk.ask("menu", button_id="TH-P-002")


async def test_a_burst_gets_one_reply_to_all_of_it(talk: Talk) -> None:
    await talk.write("hi", "do you have a", "blue coat?", "TH-P-001")
    await talk.answer()
    (reply,) = await talk.replies()
    assert "TH-P-002" in reply.body
    assert "TH-P-001" in reply.body
    async with talk.uow() as tx:
        assert await tx.chat.unanswered(talk.conversation) == []


async def test_without_waiting_each_message_has_a_reply_of_its_own_in_order(uow: Uow) -> None:
    talk = await Talk(uow, Answers(debounce=timedelta())).opened()
    texts = [f"TH-B-00{number}" for number in range(1, 9)]
    await talk.write(*texts)
    await talk.answer()
    for text, reply in zip(texts, await talk.replies(), strict=True):
        assert text in reply.body


async def test_who_goes_on_writing_is_waited_for(talk: Talk) -> None:
    await talk.write("TH-P-001")
    known = await talk.thread()
    async with talk.uow() as tx:
        await tx.threads.save(replace(known, answer_at=talk.now + timedelta(seconds=2)))
    await talk.answer()
    assert await talk.replies() == []
    talk.now += timedelta(seconds=2)
    await talk.answer()
    assert len(await talk.replies()) == 1


async def test_however_often_and_from_wherever_a_conversation_is_woken_a_message_is_answered_once(talk: Talk) -> None:
    async def wake() -> None:
        for _ in range(50):
            try:
                await talk.answer()
            except Conflict:
                continue
            return

    await talk.write("TH-P-001")
    await asyncio.gather(*(wake() for _ in range(10)))
    assert len(await talk.replies()) == 1
    assert (await talk.thread()).answer_at is None


async def test_a_customer_who_wants_no_messages_gets_none(talk: Talk) -> None:
    async with talk.uow() as tx:
        await tx.people.opt(talk.customer, out_at=talk.now)
    assert await talk.ask("TH-P-001") == ""
    assert await talk.waiting() == 0


class Broken(Local):
    """A reader that fails at one word."""

    async def classify(self, question: Question) -> Any:
        if "zebra" in question.text:
            raise ZeroDivisionError
        return await super().classify(question)


@pytest.mark.parametrize("debounce", [0, 2])
async def test_what_cannot_be_answered_is_shown_to_an_operator_and_what_comes_after_it_is_answered(
    uow: Uow, debounce: int
) -> None:
    talk = await Talk(uow, Answers(local=Broken(), debounce=timedelta(seconds=debounce))).opened()
    await talk.write("do you have a zebra")
    for _ in range(TRIES):
        with pytest.raises(ZeroDivisionError):
            await talk.answer()
    answer = await talk.ask("TH-P-002")
    assert "TH-P-002" in answer
    async with talk.uow() as tx:
        dead = await tx.webhooks.listed(WebhookState.DEAD, 10)
    assert [each.attempts for each in dead] == [TRIES + 1]
    assert await talk.waiting() == 0


async def test_what_kills_its_reader_is_given_up_too(talk: Talk) -> None:
    await talk.write("TH-P-001")
    for number in range(TRIES):
        async with talk.uow() as tx:
            await tx.webhooks.claim(talk.conversation, now=talk.now, token=f"dies-{number}", lease=LEASE)
        talk.now += LEASE
    answer = await talk.ask("TH-P-002")
    assert "TH-P-002" in answer
    assert "TH-P-001" not in answer


async def test_what_came_later_is_not_answered_before_what_somebody_is_answering(talk: Talk) -> None:
    await talk.write("TH-P-001")
    async with talk.uow() as tx:
        await tx.webhooks.claim(talk.conversation, now=talk.now, token="another", lease=LEASE)
    assert await talk.ask("TH-P-002") == ""
    assert (await talk.thread()).answer_at is not None
    talk.now += LEASE
    await talk.answer()
    assert [("TH-P-001" in each.body, "TH-P-002" in each.body) for each in await talk.replies()] == [(True, True)]


async def test_who_wants_messages_again_is_greeted(talk: Talk) -> None:
    assert await talk.ask("START") == await talk.ask("hi")


async def test_a_reply_may_be_sent_until_the_window_ends(talk: Talk) -> None:
    await talk.ask("TH-P-001")
    (reply,) = await talk.replies()
    assert reply.expires_at == talk.now + timedelta(hours=48)
    assert (reply.intent, reply.decided_by) == ("ITEM", "router")
