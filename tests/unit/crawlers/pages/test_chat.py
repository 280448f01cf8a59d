"""What the chat's bubbles mean, without a browser."""

import pytest

from crawlers.pages.bubbles import Bubble, Draft, added, said_since


def sent(text: str, kind: str = "text") -> Bubble:
    return Bubble(kind, text, "sent")


@pytest.mark.parametrize(
    ("bubble", "draft", "holds"),
    [
        (sent("Hola\n\nLupita"), Draft("text", "Hola \n Lupita"), True),
        (sent("Hola"), Draft("text", "Hola Lupita"), False),
        (sent("Hola 📦", "image"), Draft("text", "Hola 📦"), True),
        (sent("Product ID: 17", "product"), Draft("product", "17"), True),
        (sent("Product ID: 17"), Draft("product", "17"), False),
        (sent("", "image"), Draft("image", "/images/goods.png"), True),
        (sent("goods.png"), Draft("image", "/images/goods.png"), False),
    ],
    ids=["layout", "part", "emoji", "card", "text of a card", "picture", "name of a picture"],
)
def test_a_bubble_is_told_by_its_words_its_product_or_its_kind(bubble: Bubble, draft: Draft, holds: bool) -> None:
    assert bubble.holds(draft) is holds


HOLA = Draft("text", "Hola")


@pytest.mark.parametrize(
    ("before", "after", "is_there"),
    [
        ([], [sent("Hola")], True),
        ([], [], False),
        ([sent("a")], [sent("a"), sent("Hola")], True),
        ([sent("a")], [sent("a")], False),
        ([sent("Hola")], [sent("Hola")], False),
        ([sent("Hola")], [sent("Hola"), sent("Hola")], True),
        ([sent("a"), sent("b"), sent("c")], [sent("b"), sent("c"), sent("Hola")], True),
        ([sent("a")], [sent("b"), sent("Hola")], None),
        ([sent("a")], [sent("Hola")], None),
        ([sent("Hola")], [], None),
        ([sent("a"), sent("b")], [sent("b")], None),
        ([sent("a"), Bubble("text", "x", "failed")], [sent("a"), sent("Hola")], True),
        ([], [Bubble("text", "Hola", "pending")], None),
        ([sent("a")], [sent("a"), Bubble("text", "Hola", "failed")], False),
        ([sent("Hola")] * 2, [sent("Hola")] * 2, False),
        ([sent("Hola")] * 30, [sent("Hola")] * 30, None),
    ],
    ids=[
        "first",
        "nothing",
        "next",
        "not there",
        "only the old one",
        "the same again",
        "the beginning is gone",
        "another past",
        "no past",
        "nothing of what was there",
        "only a part of it",
        "a failed one is gone",
        "still pending",
        "failed",
        "the same twice",
        "the same over and over",
    ],
)
def test_a_message_is_there_only_where_it_follows_what_was_said_before(
    before: list[Bubble], after: list[Bubble], is_there: bool | None
) -> None:
    assert said_since(before, after, HOLA) is is_there


@pytest.mark.parametrize(
    ("before", "now", "is_new"),
    [
        ([], [sent("Hola")], True),
        ([sent("Hola")], [sent("Hola")], False),
        ([sent("Hola")], [sent("Hola"), sent("Hola")], True),
        ([], [sent("a"), sent("Hola")], False),
        ([sent("a")], [sent("Hola"), sent("a")], False),
        ([sent(str(number)) for number in range(30)], [*(sent(str(n)) for n in range(1, 30)), sent("Hola")], True),
        ([sent("a"), Bubble("text", "x", "failed")], [sent("a"), sent("x"), sent("Hola")], True),
    ],
    ids=["first", "the old one", "the same again", "a late past", "an older one above", "a window", "after a failure"],
)
def test_a_bubble_is_new_only_as_the_last_after_those_that_were_there(
    before: list[Bubble], now: list[Bubble], is_new: bool
) -> None:
    assert added(before, now, HOLA) == (now[-1] if is_new else None)
