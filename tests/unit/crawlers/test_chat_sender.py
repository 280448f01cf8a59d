"""What the sender that types makes of a task, without a browser."""

from datetime import timedelta
from pathlib import Path

import pytest

from brokers import topology
from brokers.verdict import Reject, Retryable, Unavailable
from crawlers.accounts import Accounts, local_account
from crawlers.chat_sender import BrowserSender
from crawlers.errors import AccountBusy, BrowserLost, LeaseLost, OutOfHours
from crawlers.pace import Politeness
from crawlers.pages.bubbles import Draft
from crawlers.pauses import Pauses
from crawlers.shelf import FileShelf
from schemas.chatbot.messages import ChatMessage, ChatTask
from schemas.clock import utc_now
from tests.build.chatbot import NOON, task
from tests.fakes.crawling import FakeSessions


class Listed(FakeSessions):
    """Sessions of one account a region, Mexico's and France's."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        regions = {"mx1": "MX", "fr1": "FR"}
        self.accounts = Accounts([local_account("http://site", region, name) for name, region in regions.items()])
        self.pauses = Pauses(FileShelf(folder))
        self.politeness = Politeness()


@pytest.fixture
def sessions(tmp_path: Path) -> Listed:
    return Listed(tmp_path / "shelf")


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
    with pytest.raises(Unavailable, match="driven by another"):
        async with sender.ready(ChatTask.model_validate(task())):
            pass
    assert [hand.wanted for hand in sender._hands.values()] == [0]


async def test_a_message_whose_only_account_is_busy_waits_in_its_queue_and_burns_no_try(
    sender: BrowserSender, sessions: Listed
) -> None:
    sessions.refusal = AccountBusy("account mx1 is driven by another browser", utc_now())
    with pytest.raises(Unavailable, match="mx1 is driven by another browser"):
        async with sender.ready(ChatTask.model_validate(task())):
            pass
    with pytest.raises(Unavailable):
        await sender.probe()


async def test_a_message_whose_account_rests_comes_again_when_it_may_write_while_others_work_on(
    sessions: Listed, tmp_path: Path
) -> None:
    sender = BrowserSender(sessions, tmp_path, regions=("MX", "FR"), clock=lambda: NOON)  # type: ignore[arg-type]
    sessions.refusal = OutOfHours("accounts of MX do not work now", NOON + timedelta(hours=10))
    with pytest.raises(Retryable, match="OutOfHours") as told:
        async with sender.ready(ChatTask.model_validate(task())):
            pass
    assert told.value.after == timedelta(hours=10)
    assert timedelta(hours=10) < topology.CHATBOT_SAMPLE_BATCH.retry.horizon


async def test_an_account_that_is_to_rest_for_long_is_not_kept_meanwhile(sender: BrowserSender) -> None:
    wanted = ChatTask.model_validate(task())
    async with sender.ready(wanted):
        (hand,) = sender._hands.values()
        hand.throttled(timedelta(hours=24))
    with pytest.raises(Unavailable, match="mx1 was asked for patience"):
        async with sender.ready(wanted):
            pass
    with pytest.raises(LeaseLost, match="has ended"):
        assert hand.session
    assert hand.wanted == 0
