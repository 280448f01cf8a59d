"""The sender that types, against the local seller centre, in a real Chromium."""

import asyncio
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from brokers.verdict import Reject, Unavailable
from crawlers.browser import BrowserWishes, memory_of
from crawlers.chat_sender import BrowserSender
from schemas.chatbot.sending import REPLIED
from tests.build.broker import eventually
from tests.build.chat_sender import closing, refused, say, task
from tests.build.seller_centre import Driven, browsers, drivers

SEND = "/api/v1/im/message/send"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)


async def test_every_type_of_message_arrives_once_and_in_order(site: Driven, sender: BrowserSender) -> None:
    site.folder.joinpath("images").mkdir()
    site.folder.joinpath("images", "goods.png").write_bytes(PIXEL)
    product = str(site.centre.world.product(0, 3)["product_id"])
    text = "Hola Lupita:\n\ntu muestra va en camino 📦\n¡Gracias!"
    wanted = task(
        site,
        1,
        text,
        {"type": "link", "content": "https://portal.example/samples/9C1E7B44?a=1&b=%C3%B1"},
        {"type": "product_card", "content": product},
        {"type": "image", "content": "goods.png"},
        {"type": "sticker", "content": "wave", "meta": {"fallbackText": "👋"}},
    )
    assert await say(sender, wanted) == "mx1"
    *said, picture, wave = site.said_to(1)
    assert said == [
        ("text", text),
        ("text", "https://portal.example/samples/9C1E7B44?a=1&b=%C3%B1"),
        ("product", product),
    ]
    assert (picture[0], wave) == ("image", ("text", "👋"))


async def test_one_browser_writes_to_many_in_its_saved_session(site: Driven, sender: BrowserSender) -> None:
    for number in range(4):
        await say(sender, task(site, number))
    opened = drivers()
    (hand,) = sender._hands.values()
    assert 0 < hand.session._browser.bytes_used() < memory_of(psutil.Process())
    await say(sender, task(site, 4))
    assert drivers() == opened
    assert site.centre.counts.seen["logins"] == 0
    assert site.centre.chats.tally() == {"creators": 5, "messages": 5, "repeats": 0}


@pytest.mark.long
async def test_an_old_browser_is_replaced_between_two_conversations(site: Driven) -> None:
    site.wishes = BrowserWishes(patience=timedelta(seconds=10), pages=2)
    async with closing(site.sender()) as sender:
        seen = []
        for number in range(4):
            await say(sender, task(site, number))
            seen += [drivers()]
    assert seen[0] == seen[1] != seen[2] == seen[3]
    assert site.centre.chats.tally()["messages"] == 4


async def test_closing_it_ends_the_browser_and_gives_the_account_back(
    site: Driven, temporary: Path, sender: BrowserSender
) -> None:
    await say(sender, task(site, 1))
    await sender.close()
    assert browsers() == []
    assert list(temporary.iterdir()) == []
    async with closing(site.sender(busy=timedelta(0))) as other:
        await say(other, task(site, 2))


async def test_an_account_that_nobody_needs_is_given_back(site: Driven) -> None:
    async with closing(site.sender(idle=timedelta(milliseconds=100))) as sender:
        await say(sender, task(site, 1))
        await eventually(lambda: not browsers())
        await say(sender, task(site, 2))
    assert site.centre.chats.tally() == {"creators": 2, "messages": 2, "repeats": 0}


async def test_two_workers_for_one_account_never_write_at_once_and_lose_nothing(site: Driven) -> None:
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, len(drivers()))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    idle = timedelta(milliseconds=50)
    async with closing(site.sender(idle=idle)) as one, closing(site.sender(idle=idle)) as two:
        tasks = [task(site, number) for number in range(6)]
        await asyncio.gather(*(say(one if index % 2 else two, each) for index, each in enumerate(tasks)))
    watching.cancel()
    assert most == 1
    assert site.centre.chats.tally() == {"creators": 6, "messages": 6, "repeats": 0}


async def test_an_account_that_another_browser_keeps_is_no_failure_of_the_message(site: Driven) -> None:
    async with site.sessions().open("MX"), closing(site.sender(busy=timedelta(milliseconds=200))) as sender:
        assert "driven by another browser" in await refused(sender, task(site, 1), Unavailable)


async def test_a_creator_who_has_replied_hears_of_samples_and_of_no_outreach_task(
    site: Driven, sender: BrowserSender
) -> None:
    site.centre.chats.reply(site.creator(1), "¡Gracias!")
    assert await refused(sender, task(site, 1, outreachTaskId="T1"), Reject) == REPLIED
    assert site.said_to(1) == []
    await say(sender, task(site, 1, sampleId="S1"))
    await say(sender, task(site, 2, outreachTaskId="T1"))
    assert site.centre.chats.tally()["messages"] == 2


async def test_two_accounts_write_side_by_side(site: Driven) -> None:
    site.accounts = ("mx1", "mx2")
    site.centre.set_faults(slow={SEND: 500})
    async with closing(site.sender()) as sender:
        used = await asyncio.gather(*(say(sender, task(site, number)) for number in range(4)))
    assert sorted(filter(None, used)) == ["mx1", "mx1", "mx2", "mx2"]


async def test_without_a_button_enter_sends_and_a_button_is_never_pressed_besides(
    site: Driven, sender: BrowserSender
) -> None:
    site.centre.set_faults(missing=["button.send"], slow={SEND: 300})
    await say(sender, task(site, 1, "one\ntwo"))
    assert site.said_to(1) == [("text", "one\ntwo")]
