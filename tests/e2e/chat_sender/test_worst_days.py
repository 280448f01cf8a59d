"""The sender that types on its worst days: answers that are lost, chats that mislead, browsers that hang."""

import asyncio
import zipfile
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from brokers.verdict import Retryable
from crawlers.browser import BrowserWishes
from crawlers.chat_sender import BrowserSender
from deploy.sandbox.seller_centre.faults import Faults
from schemas.chatbot.sending import InDoubt
from tests.build.broker import eventually
from tests.build.chat_sender import closing, refused, say, task
from tests.build.seller_centre import Driven, browsers

SEND, TALK = "/api/v1/im/message/send", "/api/v1/im/conversation"


@pytest.fixture
def hasty(site: Driven, monkeypatch: pytest.MonkeyPatch) -> Driven:
    """The same site, where nobody waits for long."""
    site.wishes = BrowserWishes(patience=timedelta(seconds=2), is_traced=False)
    monkeypatch.setattr("crawlers.conversation._LOOKS_S", (0.0, 0.1))
    monkeypatch.setattr("crawlers.conversation._LOOKS_AFTER_REFUSAL_S", (0.1, 0.1))
    return site


async def test_a_message_that_the_site_took_and_answered_badly_is_found_and_not_typed_again(
    site: Driven, sender: BrowserSender
) -> None:
    site.centre.set_faults(taken_and_failed={SEND: 1})
    await say(sender, task(site, 1))
    assert site.said_to(1) == [("text", "Hola")]


async def test_what_was_taken_answered_badly_and_cannot_be_looked_at_is_in_doubt(hasty: Driven) -> None:
    async with closing(hasty.sender()) as sender:
        hasty.centre.set_faults(taken_and_failed={SEND: 1}, slow={SEND: 500})
        saying = asyncio.create_task(say(sender, task(hasty, 1)))
        await eventually(lambda: hasty.centre.counts.calls[SEND] == 1, within=30)
        hasty.centre.set_faults(down=True)
        with pytest.raises(InDoubt, match="not seen to arrive"):
            await saying
    assert hasty.said_to(1) == [("text", "Hola")]


async def test_an_older_bubble_with_the_same_words_is_not_taken_for_the_message(hasty: Driven) -> None:
    async with closing(hasty.sender()) as sender:
        await say(sender, task(hasty, 1))
        hasty.centre.set_faults(send_refused=["*"], history_late_ms=1000, slow={SEND: 1200})
        with pytest.raises((Retryable, InDoubt)):
            await say(sender, task(hasty, 1))
    assert hasty.said_to(1) == [("text", "Hola")]


async def test_a_chat_that_shows_only_its_end_still_tells_each_message(site: Driven, sender: BrowserSender) -> None:
    for number in range(31):
        site.centre.chats.send(site.creator(1), "mx1@example.com", {"type": "text", "content": f"{number}"}, Faults())
    await say(sender, task(site, 1, "Hola", "Hola"))
    assert site.said_to(1)[-3:] == [("text", "30"), ("text", "Hola"), ("text", "Hola")]


async def test_a_chat_that_is_another_creator_s_is_left_alone(site: Driven, sender: BrowserSender) -> None:
    site.centre.set_faults(chat_of_another=[site.creator(1)])
    told = await refused(sender, task(site, 1), Retryable)
    assert f"chat of {site.creator(1)} shows {site.creator(2)}" in told
    assert site.centre.chats.tally()["messages"] == 0


async def test_a_page_that_hangs_is_ended_and_the_message_goes_on_in_a_fresh_browser(
    site: Driven, sender: BrowserSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawlers.watching._ASKED_EVERY_S", 0.3)
    monkeypatch.setattr("crawlers.session._ANSWERS_S", 0.7)
    await say(sender, task(site, 1))
    hung = browsers()
    for each in hung:
        each.suspend()
    await say(sender, task(site, 2))
    assert site.said_to(2) == [("text", "Hola")]
    assert not {each.pid for each in hung} & {each.pid for each in browsers()}


async def test_closing_a_browser_that_hangs_leaves_neither_a_process_nor_a_profile_behind(
    site: Driven, temporary: Path, sender: BrowserSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawlers.session._ANSWERS_S", 0.5)
    monkeypatch.setattr("crawlers.browser._CLOSED_S", 0.5)
    others = psutil.Process().children(recursive=True)  # the suite's services among them
    await say(sender, task(site, 1))
    for each in set(psutil.Process().children(recursive=True)).difference(others):
        each.suspend()
    await sender.close()
    await eventually(lambda: not browsers())
    assert [each for each in temporary.iterdir() if "profile" in each.name or "mesh" in each.name] == []


async def test_a_lease_that_is_lost_in_the_act_leaves_the_message_in_doubt(site: Driven, sender: BrowserSender) -> None:
    await say(sender, task(site, 1))
    site.centre.set_faults(slow={SEND: 1000})
    saying = asyncio.create_task(say(sender, task(site, 2)))
    await eventually(lambda: site.centre.counts.calls[SEND] == 2)
    (hand,) = sender._hands.values()
    hand.session.lease.lost.set()
    with pytest.raises(InDoubt, match="not seen to arrive"):
        await saying
    assert len(site.said_to(2)) <= 1
    await eventually(lambda: not browsers())


async def test_a_failure_s_trace_holds_neither_the_session_nor_what_opened_it(hasty: Driven) -> None:
    hasty.wishes = BrowserWishes(patience=timedelta(seconds=2))
    hasty.centre.accounts.expire()
    hasty.centre.set_faults(input_missing=["*"])
    async with closing(hasty.sender()) as sender:
        await refused(sender, task(hasty, 1), Retryable)
    (kept,) = hasty.failures
    with zipfile.ZipFile(kept / "trace.zip") as trace:
        told = b"".join(trace.read(name) for name in trace.namelist())
    assert hasty.creator(1).encode() in told
    code = hasty.centre.accounts.mails[-1]["subject"].split()[0]
    for secret in (*hasty.centre.accounts._sessions, code):
        assert secret.encode() not in told
        assert secret not in (kept / "page.html").read_text()
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o600}
