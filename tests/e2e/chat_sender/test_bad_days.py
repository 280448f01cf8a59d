"""The sender that types on bad days: nothing is sent twice, and what becomes of a message is said with its reason."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from brokers.verdict import Reject, Retryable, Unavailable
from crawlers.browser import BrowserWishes
from crawlers.chat_sender import BrowserSender
from schemas.chatbot.sending import InDoubt
from tests.build.broker import eventually
from tests.build.chat_sender import closing, refused, say, task
from tests.build.seller_centre import Driven, browsers, kill_browsers

SEND, TALK = "/api/v1/im/message/send", "/api/v1/im/conversation"


@pytest.fixture
def hasty(site: Driven) -> Driven:
    """The same site, where nobody waits for long."""
    site.wishes = BrowserWishes(patience=timedelta(seconds=2), is_traced=False)
    return site


async def test_a_creator_who_takes_no_messages_is_a_rejection_and_nothing_is_typed(
    site: Driven, sender: BrowserSender
) -> None:
    site.centre.set_faults(chat_unavailable=[site.creator(1)])
    assert await refused(sender, task(site, 1), Reject) == "This creator is not accepting messages"
    assert site.centre.counts.calls[SEND] == 0
    await say(sender, task(site, 2))


async def test_a_creator_who_closes_the_chat_meanwhile_is_a_rejection(site: Driven, sender: BrowserSender) -> None:
    site.centre.set_faults(slow={SEND: 1000})
    saying = asyncio.create_task(say(sender, task(site, 1)))
    await eventually(lambda: site.centre.counts.calls[SEND] == 1)
    site.centre.set_faults(chat_unavailable=[site.creator(1)])
    with pytest.raises(Reject, match="not accepting"):
        await saying


async def test_a_box_that_never_appears_is_tried_later_with_a_picture_of_it(hasty: Driven) -> None:
    hasty.centre.set_faults(input_missing=["*"])
    async with closing(hasty.sender()) as sender:
        assert "chat shows no input" in await refused(sender, task(hasty, 1), Retryable)
    assert hasty.centre.counts.calls[SEND] == 0
    (kept,) = hasty.failures
    assert (kept / "page.png").read_bytes().startswith(b"\x89PNG")


async def test_a_page_that_never_loads_is_tried_later(hasty: Driven) -> None:
    async with closing(hasty.sender()) as sender:
        await say(sender, task(hasty, 1))
        hasty.centre.set_faults(hang_next={TALK: 1})
        assert "chat" in await refused(sender, task(hasty, 2), Retryable)
        await say(sender, task(hasty, 2))
    assert hasty.said_to(2) == [("text", "Hola")]


async def test_a_site_that_is_down_keeps_messages_waiting_until_it_is_back(hasty: Driven) -> None:
    async with closing(hasty.sender()) as sender:
        await say(sender, task(hasty, 1))
        hasty.centre.set_faults(down=True)
        await refused(sender, task(hasty, 2), Retryable)
        assert "cannot be opened" in await refused(sender, task(hasty, 2), Unavailable)
        with pytest.raises(Unavailable, match="a moment ago"):
            await sender.probe()
        hasty.centre.set_faults()
        sender._site_away_until = 0.0
        await sender.probe()
        await say(sender, task(hasty, 2))


async def test_a_session_lost_before_anything_was_typed_logs_in_and_goes_on(
    site: Driven, sender: BrowserSender
) -> None:
    await say(sender, task(site, 1))
    site.centre.accounts.expire()
    await say(sender, task(site, 2))
    assert site.centre.counts.seen["logins"] == 1
    assert site.said_to(2) == [("text", "Hola")]


async def test_a_session_lost_in_the_act_was_certainly_refused_and_the_message_is_sent_once(
    site: Driven, sender: BrowserSender
) -> None:
    await say(sender, task(site, 1))
    site.centre.set_faults(expire_after=1)  # the conversation is still answered, the message is not
    await say(sender, task(site, 2))
    assert site.said_to(2) == [("text", "Hola")]
    assert site.centre.counts.seen["logins"] == 1


async def test_a_browser_killed_between_two_messages_loses_none_and_doubles_none(
    site: Driven, sender: BrowserSender
) -> None:
    await say(sender, task(site, 1))
    kill_browsers()
    await say(sender, task(site, 2, "Hola", "¿Qué tal?"))
    assert site.said_to(2) == [("text", "Hola"), ("text", "¿Qué tal?")]


async def test_a_browser_killed_while_it_sends_is_followed_by_a_look_at_the_chat(
    site: Driven, sender: BrowserSender
) -> None:
    await say(sender, task(site, 2, "before"))
    site.centre.set_faults(slow={SEND: 700})
    saying = asyncio.create_task(say(sender, task(site, 2, "Hola", "¿Qué tal?")))
    await eventually(lambda: site.centre.counts.calls[SEND] == 2)
    kill_browsers()
    await saying
    assert site.said_to(2) == [("text", "before"), ("text", "Hola"), ("text", "¿Qué tal?")]


async def test_a_message_of_which_nobody_knows_is_left_in_doubt_and_never_typed_again(hasty: Driven) -> None:
    async with closing(hasty.sender()) as sender:
        await say(sender, task(hasty, 1))
        hasty.centre.set_faults(hang_next={SEND: 1})
        assert "not seen to arrive" in await refused(sender, task(hasty, 2), InDoubt)
    assert hasty.centre.counts.calls[SEND] == 2


@pytest.mark.parametrize("fault", ["bubble_missing", pytest.param("bubble_pending", marks=pytest.mark.long)])
async def test_without_a_delivered_bubble_nothing_counts_as_sent(hasty: Driven, fault: str) -> None:
    hasty.centre.set_faults(**{fault: [hasty.creator(2)]})
    async with closing(hasty.sender()) as sender:
        told = await refused(sender, task(hasty, 2), InDoubt)
        await say(sender, task(hasty, 3))
    assert "see " in told
    assert hasty.said_to(2) == [("text", "Hola")]


async def test_a_message_that_is_too_long_is_a_rejection_before_a_word_is_typed(
    site: Driven, sender: BrowserSender
) -> None:
    told = await refused(sender, task(site, 1, "Hola", "📦" * 1001), Reject)
    assert told == "the text has 2,002 characters, and the chat takes 2,000"
    await say(sender, task(site, 2, "x" * 2000))
    assert (site.said_to(1), len(site.said_to(2))) == ([], 1)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({"type": "image", "content": "gone.png"}, "the picture gone.png is not there"),
        ({"type": "product", "content": "1729400000000000099"}, "does not offer product 1729400000000000099"),
    ],
    ids=["image", "product"],
)
async def test_what_cannot_be_sent_is_a_rejection_of_the_whole_task(
    site: Driven, sender: BrowserSender, message: dict[str, str], reason: str
) -> None:
    assert reason in await refused(sender, task(site, 1, "Hola", message), Reject)
    assert site.said_to(1) == []


async def test_a_site_that_asks_for_patience_is_left_alone_for_a_while(site: Driven, sender: BrowserSender) -> None:
    site.centre.set_faults(chat_per_minute=1)
    await say(sender, task(site, 1))
    with pytest.raises(Retryable, match="too fast"):
        await say(sender, task(site, 2))
    (hand,) = sender._hands.values()
    assert hand._not_before > asyncio.get_running_loop().time() + 5
    assert site.said_to(2) == []


async def test_what_is_said_in_part_is_in_doubt_for_a_person(
    site: Driven, sender: BrowserSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawlers.hands.PATIENCE_S", 0.01)
    site.centre.set_faults(chat_per_minute=1)
    told = await refused(sender, task(site, 1, "one", "two"), InDoubt)
    assert told.startswith("1 of its messages arrived, and then: Throttled")
    assert site.said_to(1) == [("text", "one")]


@pytest.mark.parametrize("fault", [{"send_refused": ["*"]}, {"fail_next": {SEND: 1}}], ids=["refused", "failed"])
async def test_a_bubble_that_failed_is_tried_later(site: Driven, sender: BrowserSender, fault: dict[str, Any]) -> None:
    site.centre.set_faults(**fault)
    await refused(sender, task(site, 1), Retryable)
    assert site.said_to(1) == []
    site.centre.set_faults()
    await say(sender, task(site, 1))
    assert site.said_to(1) == [("text", "Hola")]


@pytest.mark.parametrize("fault", [{"captcha": True}, {"banned": ["mx1@example.com"]}], ids=["puzzle", "ban"])
async def test_what_stops_the_only_account_lets_it_rest_and_messages_wait(
    site: Driven, sender: BrowserSender, fault: dict[str, Any]
) -> None:
    await say(sender, task(site, 1))
    site.centre.set_faults(**fault)
    assert "no account may write now: mx1 rests until" in await refused(sender, task(site, 2), Unavailable)
    site.centre.set_faults()
    with pytest.raises(Unavailable):
        await sender.probe()
    assert browsers() == []
    await site.pauses.end("mx1")
    await say(sender, task(site, 2))


async def test_another_account_goes_on_where_one_rests(site: Driven) -> None:
    site.accounts = ("mx1", "mx2")
    async with closing(site.sender()) as sender:
        await say(sender, task(site, 1))
        site.centre.set_faults(banned=["mx1@example.com"])
        await refused(sender, task(site, 2, accountName="mx1"), Retryable)
        assert await say(sender, task(site, 2)) == "mx2"


async def test_a_puzzle_in_the_act_leaves_nothing_in_doubt(site: Driven, sender: BrowserSender) -> None:
    await say(sender, task(site, 1))
    site.centre.set_faults(captcha_after=1)
    await refused(sender, task(site, 2), Unavailable)
    assert site.said_to(2) == []


async def test_a_lost_lease_types_nothing_more(site: Driven, sender: BrowserSender) -> None:
    await say(sender, task(site, 1))
    (hand,) = sender._hands.values()
    wanted = task(site, 2)
    async with sender.ready(wanted) as send:
        hand.session.lease.lost.set()
        with pytest.raises(Retryable, match=r"LeaseLost|BrowserLost"):
            await send(wanted)
    assert site.said_to(2) == []
    await say(sender, wanted)
    assert site.said_to(2) == [("text", "Hola")]


async def test_an_account_that_nobody_has_is_a_rejection(site: Driven, sender: BrowserSender) -> None:
    assert "no enabled account drives region BR" in await refused(sender, task(site, 1, region="BR"), Reject)
