"""How much is understood without a model, and how the kept messages are read."""

import pytest

from adapters.replies.deciding import Away, Question, Why
from adapters.replies.local import Local
from adapters.replies.prompts import Example, prompts
from adapters.replies.recorded import Recorded
from schemas.replies.intents import SURE, Guess


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("where is my order", "ORDER_STATUS"),
        ("WHERE IS MY ORDRE??", "ORDER_STATUS"),
        ("niwekee hiyo tafadhali", "RESERVE"),
        ("do you still have it", "AVAILABILITY"),
        ("is the blue coat still available?", "SEARCH"),
        ("hi", "GREETING"),
        ("hi, any blue coats?", "SEARCH"),
        ("will it fit me", "SIZE"),
        ("I want to talk to a person please", "HUMAN"),
        ("bei ya mwisho ni gani", "HAGGLE"),
        ("", "OTHER"),
        ("\u202e\u200b", "OTHER"),
    ],
)
def test_what_customers_often_write_is_understood(text: str, intent: str) -> None:
    assert Local().read(text).intent == intent


async def test_most_of_the_kept_messages_are_read_rightly_without_a_model() -> None:
    right = [each for each in prompts().evaluation if await _intent(each) == each.expected["intent"]]
    assert len(right) >= 0.8 * len(prompts().evaluation)


async def test_what_was_written_down_is_read_and_nothing_else() -> None:
    recorded = Recorded.of()
    for each in prompts().evaluation:
        read = await recorded.classify(each.question)
        assert isinstance(read, Guess)
        assert read.intent == each.expected["intent"]
    assert await recorded.classify(Question("never asked", "p")) == Away(
        Why.UNREACHABLE, "nothing was recorded for this question"
    )


def test_every_example_is_an_answer_that_a_model_may_give() -> None:
    for each in (*prompts().examples, *prompts().evaluation):
        assert each.guess.confidence >= SURE


def test_no_example_is_among_the_messages_that_readers_are_tried_on() -> None:
    shown = {each.question.text for each in prompts().examples}
    assert shown.isdisjoint(each.question.text for each in prompts().evaluation)


async def _intent(example: Example) -> str:
    return Local().read(example.question.text).intent
