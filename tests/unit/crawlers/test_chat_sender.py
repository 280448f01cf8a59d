"""What the sender that types makes of a task, without a browser."""

from datetime import timedelta
from pathlib import Path

import pytest

from brokers.verdict import Reject, Unavailable
from crawlers.accounts import Accounts, local_account
from crawlers.chat_sender import BrowserSender
from crawlers.errors import AccountBusy, BrowserLost
from crawlers.pages.chat import Draft
from schemas.chatbot.messages import ChatMessage, ChatTask
from schemas.clock import utc_now
from tests.build.chatbot import task
from tests.fakes.crawling import FakeSessions


class Listed(FakeSessions):
    """Sessions of one account in Mexico."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts = Accounts([local_account("http://site", name="mx1")])


@pytest.fixture
def sessions() -> Listed:
    return Listed()


@pytest.fixture
def sender(sessions: Listed, tmp_path: Path) -> BrowserSender:
    return BrowserSender(sessions, tmp_path / "images", busy=timedelta(0))  # type: ignore[arg-type]  # a fake


@pytest.mark.parametrize(
    ("message", "draft"),
    [
        ({"content": " Hola\nLupita "}, Draft("text", "Hola\nLupita")),
        ({"type": "Link", "content": "https://a.example"}, Draft("text", "https://a.example")),
        ({"type": "product_card", "content": "17"}, Draft("product", "17")),
        ({"type": "productCard", "content": "17"}, Draft("product", "17")),
        ({"type": "gif", "content": "wave", "meta": {"fallbackText": "👋"}}, Draft("text", "👋")),
    ],
    ids=["text", "link", "product", "camel", "fallback"],
)
def test_a_message_is_said_as_the_chat_can_say_it(
    sender: BrowserSender, message: dict[str, object], draft: Draft
) -> None:
    assert sender._draft(ChatMessage.model_validate(message)) == draft


async def refusal(sender: BrowserSender, **changes: object) -> str:
    with pytest.raises(Reject) as told:
        async with sender.ready(ChatTask.model_validate(task(**changes))):
            pass
    return str(told.value)


async def test_an_unknown_type_is_refused_before_a_browser_is_opened(sender: BrowserSender, sessions: Listed) -> None:
    told = await refusal(sender, messages=[{"type": "gif", "content": "wave"}])
    assert told == "the chat has no messages of type 'gif', and it comes without a fallbackText"
    assert sessions.opened == 0


@pytest.mark.parametrize("name", ["/etc/passwd", "../secrets/key", "a/../../b"])
async def test_no_file_outside_the_folder_of_pictures_is_ever_sent(sender: BrowserSender, name: str) -> None:
    assert "below" in await refusal(sender, messages=[{"type": "image", "content": name}])


async def test_a_site_that_cannot_be_opened_is_left_alone_for_longer_each_time(
    sender: BrowserSender, sessions: Listed
) -> None:
    sessions.refusal = BrowserLost("no browser")
    rests = []
    for _ in range(3):
        sender._site_away_until = 0.0
        with pytest.raises(Unavailable, match="no browser"):
            async with sender.ready(ChatTask.model_validate(task())):
                pass
        rests.append(sender._site_rest)
    assert rests == [10.0, 20.0, 40.0]
    with pytest.raises(Unavailable, match="a moment ago"):
        await sender.probe()


async def test_nobody_stands_in_line_for_a_task_that_was_given_up(sender: BrowserSender, sessions: Listed) -> None:
    sessions.refusal = AccountBusy("busy", utc_now())
    with pytest.raises(Exception, match="busy"):
        async with sender.ready(ChatTask.model_validate(task())):
            pass
    assert [hand.wanted for hand in sender._hands.values()] == [0]
