"""What the chat draws of a message, and what may be concluded from that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from playwright.async_api import Locator

#: However short its window is, a page that shows the end of a conversation shows more bubbles than this.
_SHORTEST_WINDOW = 10

_READ = """
(bubbles, [failed, pending, image, product]) => bubbles.map((bubble) => ({
  kind: bubble.querySelector(product) ? "product" : bubble.querySelector(image) ? "image" : "text",
  text: bubble.innerText,
  state: bubble.matches(failed) ? "failed" : bubble.matches(pending) ? "pending" : "sent",
  note: bubble.title || "",
}))
"""


@dataclass(frozen=True, slots=True)
class Draft:
    """What one bubble is to hold: a text, a product's id, or the path of a picture."""

    kind: Literal["text", "product", "image"]
    content: str


@dataclass(frozen=True, slots=True)
class Bubble:
    """One of our bubbles as it is drawn; `note` is what it says of a failure."""

    #: What one of our bubbles matches, or has inside.
    selectors: ClassVar[Mapping[str, str]] = {
        "failed": "[data-status=failed]",
        "pending": "[data-status=sending]",
        "image": "img",
        "product": ".product-card",
    }

    kind: str
    text: str
    state: Literal["sent", "pending", "failed"]
    note: str = ""

    @classmethod
    async def all_of(cls, found: Locator) -> "list[Bubble]":
        """Return the bubbles that a locator finds, in order."""
        read: list[dict[str, Any]] = await found.evaluate_all(_READ, list(cls.selectors.values()))
        return [cls(**each) for each in read]

    def holds(self, draft: Draft) -> bool:
        """Tell whether it shows this draft; layout does not count."""
        if draft.kind == "text":
            return words(self.text) == words(draft.content)
        return self.kind == draft.kind and (draft.kind == "image" or draft.content in self.text)


def added(before: Sequence[Bubble], now: Sequence[Bubble], draft: Draft) -> Bubble | None:
    """Return the bubble of a draft that a page has added to what it showed; None if there is none, or none yet.

    It is the last one, and what stands before it is what stood there: a number of bubbles proves nothing, for a page
    may draw older ones later, or drop the oldest for each new one.
    """
    earlier, shown = _contents(before), _contents(now)
    if not now or not now[-1].holds(draft) or shown == earlier:
        return None
    return now[-1] if _is_end(shown[:-1], earlier) else None


def said_since(before: Sequence[Bubble], after: Sequence[Bubble], draft: Draft) -> bool | None:
    """Tell whether a page that was opened anew shows what it showed before and then this draft, which arrived.

    False if it shows what it showed before and nothing else; None for everything from which nothing follows. A page
    shows the end of a conversation: the longer it grew, the more of its beginning is gone.
    """
    if any(each.state == "pending" for each in after):
        return None
    earlier = _contents([each for each in before if each.state == "sent"])
    shown = _contents([each for each in after if each.state == "sent"])
    is_long = len(shown) >= _SHORTEST_WINDOW
    is_last = bool(after) and after[-1].state == "sent" and after[-1].holds(draft)
    if shown == earlier:  # A window may have moved on, and show the same words over and over.
        return None if is_last and is_long and _is_end(shown[:-1], earlier) else False
    if is_last and _is_end(shown[:-1], earlier):
        return True
    return False if is_long and _is_end(shown, earlier) else None


def words(text: str) -> str:
    """Return a text without its layout."""
    return " ".join(text.split())


def _contents(bubbles: Sequence[Bubble]) -> list[tuple[str, str]]:
    return [(each.kind, words(each.text)) for each in bubbles]


def _is_end(some: Sequence[tuple[str, str]], of: Sequence[tuple[str, str]]) -> bool:
    """Tell whether some contents are the last of others; none are the end of none alone."""
    return list(of[-len(some) :]) == list(some) if some else not of
