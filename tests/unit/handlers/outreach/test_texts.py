"""What is written to a creator."""

import pytest

from handlers.outreach.texts import NoTextError, messages_of, text_of
from schemas.chatbot.messages import MAX_CONTENT, MAX_MESSAGES
from schemas.outreach.records import Decision
from tests.build.outreach import contact, stored_task


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ('{"body":"Hola"}', "Hola"),
        ('{"subject":"\\"Aurela\\"","email_body":"Hola"}', "Aurela\n\nHola"),
        (
            '{"subject":"\u201cAurela\u201d","body":"Hola\\n\\n\\n\\n¿colaboramos?\\n"}',
            "Aurela\n\nHola\n\n¿colaboramos?",
        ),
        ('{"body":"uno\\r\\ndos\\n \\n\\t\\ntres"}', "uno\ndos\n\ntres"),
        ('{"subject":"Aurela"}', "Aurela"),
        ("Hola, dicho sin más", "Hola, dicho sin más"),
        ('{"body":"  "}', None),
        ("", None),
        (None, None),
    ],
)
def test_a_text_is_subject_blank_line_and_body(stored: str | None, expected: str | None) -> None:
    assert text_of(stored) == expected


def test_the_later_text_falls_back_to_the_first() -> None:
    (message,) = messages_of(stored_task(), contact(), Decision.LATER)
    assert message == {"type": "text", "content": "Hola"}


def test_a_body_alone_is_a_text() -> None:
    told = {"email_first_body": "Hola"}
    (message,) = messages_of(stored_task(first_message=None), contact(metadata=told), Decision.FIRST)
    assert message["content"] == "Hola"


def test_what_the_task_says_comes_before_what_came_with_the_creator() -> None:
    told = {"email_first": {"subject": "Aurela", "email_body": "antes"}}
    (message,) = messages_of(stored_task(), contact(metadata=told), Decision.FIRST)
    assert message["content"] == "Hola"


def test_a_first_contact_without_a_first_text_says_nothing() -> None:
    with pytest.raises(NoTextError, match="no text for a first message"):
        messages_of(stored_task(first_message=None, second_message='{"body":"x"}'), contact(), Decision.FIRST)


def test_a_text_that_no_chat_takes_is_not_cut() -> None:
    with pytest.raises(NoTextError, match="longer than"):
        messages_of(stored_task(first_message="x" * (MAX_CONTENT + 1)), contact(), Decision.FIRST)


def test_each_product_follows_as_a_card_of_its_own() -> None:
    _, *cards = messages_of(stored_task(product_list=["1", "2", "1"]), contact(), Decision.FIRST)
    assert cards == [{"type": "product_card", "content": "1"}, {"type": "product_card", "content": "2"}]
    many = stored_task(product_list=[str(number) for number in range(100)])
    assert len(messages_of(many, contact(), Decision.FIRST)) == MAX_MESSAGES


@pytest.mark.parametrize("listed", [5, {"id": "P"}, True, ["x" * 65], "[broken"])
def test_products_that_are_no_list_of_ids_cost_only_their_cards(listed: object) -> None:
    told = contact(metadata={"product_list": listed})
    assert messages_of(stored_task(), told, Decision.FIRST) == [{"type": "text", "content": "Hola"}]


def test_products_that_came_with_the_creator_may_be_objects() -> None:
    told = contact(metadata={"product_list": [{"id": 7, "name": "Soap"}, "8"]})
    assert [each["content"] for each in messages_of(stored_task(), told, Decision.FIRST)[1:]] == ["7", "8"]
