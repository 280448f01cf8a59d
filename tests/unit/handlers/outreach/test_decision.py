"""Who is written to, and what: one test a row of the table of decisions."""

import pytest

from handlers.outreach.decision import PATIENCE, Chat, Past, decide
from schemas.outreach.records import Decision, Strategy

AURELA = "Aurela"
SILENT = Past(connected=True, replied=False, brand="Nube")
ANSWERED = Past(connected=True, replied=True, brand="Nube")
UNSEEN = Past(connected=False, replied=False, brand="Nube")
EMPTY, OPEN, REPLIED = Chat(), Chat(connected=True), Chat(connected=True, replied=True)

NORMAL, FIRST_ONLY, FOLLOW_UP = Strategy.NORMAL, Strategy.FIRST_ONLY, Strategy.FOLLOW_UP_ONLY


def decided(strategy: Strategy, *history: Past, chat: Chat = EMPTY, brand: str | None = AURELA) -> Decision:
    return decide(strategy, brand, history, chat).decision


def test_a_follow_up_needs_a_history_or_a_chat() -> None:
    assert decided(FOLLOW_UP) is Decision.SKIP


@pytest.mark.parametrize(("history", "chat"), [([ANSWERED], EMPTY), ([SILENT], REPLIED), ([], REPLIED)])
def test_a_follow_up_leaves_alone_who_has_replied(history: list[Past], chat: Chat) -> None:
    assert decided(FOLLOW_UP, *history, chat=chat) is Decision.SKIP


@pytest.mark.parametrize(("history", "chat"), [([SILENT], EMPTY), ([], OPEN), ([UNSEEN], EMPTY), ([SILENT] * 6, EMPTY)])
def test_a_follow_up_writes_the_later_text(history: list[Past], chat: Chat) -> None:
    assert decided(FOLLOW_UP, *history, chat=chat) is Decision.LATER


@pytest.mark.parametrize("strategy", [NORMAL, FIRST_ONLY])
@pytest.mark.parametrize(("history", "chat"), [([ANSWERED], EMPTY), ([], REPLIED), ([SILENT, ANSWERED], OPEN)])
def test_who_has_replied_is_left_alone(strategy: Strategy, history: list[Past], chat: Chat) -> None:
    assert decided(strategy, *history, chat=chat) is Decision.SKIP


@pytest.mark.parametrize("strategy", [NORMAL, FIRST_ONLY])
def test_five_messages_without_a_reply_are_enough(strategy: Strategy) -> None:
    assert decided(strategy, *[UNSEEN] * PATIENCE) is Decision.SKIP
    assert decided(strategy, *[UNSEEN] * (PATIENCE - 1)) is Decision.FIRST


@pytest.mark.parametrize("strategy", [NORMAL, FIRST_ONLY])
def test_whom_nobody_wrote_to_gets_the_first_text(strategy: Strategy) -> None:
    assert decided(strategy) is Decision.FIRST


@pytest.mark.parametrize("strategy", [NORMAL, FIRST_ONLY])
def test_a_history_that_the_chat_never_showed_is_as_good_as_none(strategy: Strategy) -> None:
    assert decided(strategy, UNSEEN) is Decision.FIRST


@pytest.mark.parametrize(("history", "chat"), [([SILENT], EMPTY), ([UNSEEN], OPEN), ([], OPEN)])
def test_a_task_for_first_contacts_leaves_alone_who_is_known(history: list[Past], chat: Chat) -> None:
    assert decided(FIRST_ONLY, *history, chat=chat) is Decision.SKIP


@pytest.mark.parametrize("brand", [None, "", "  "])
def test_a_task_without_a_brand_writes_the_later_text_to_who_is_known(brand: str | None) -> None:
    assert decided(NORMAL, SILENT, brand=brand) is Decision.LATER


@pytest.mark.parametrize(("history", "chat"), [([SILENT], EMPTY), ([], OPEN)])
def test_another_brand_writes_the_later_text_to_who_is_known(history: list[Past], chat: Chat) -> None:
    assert decided(NORMAL, *history, chat=chat) is Decision.LATER


@pytest.mark.parametrize("brand", ["Nube", " nube", "NUBE"])
def test_the_same_brand_writes_to_nobody_twice(brand: str) -> None:
    assert decided(NORMAL, SILENT, brand=brand) is Decision.SKIP


def test_every_decision_says_why() -> None:
    for strategy in Strategy:
        for history in ([], [SILENT], [ANSWERED], [UNSEEN], [SILENT] * 5):
            for chat in (EMPTY, OPEN, REPLIED):
                assert decide(strategy, AURELA, history, chat).reason
