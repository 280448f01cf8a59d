"""What the chat and its own call say of a message that is being sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, Request, Response

from crawlers.errors import (
    Banned,
    CannotSend,
    ChatClosed,
    CrawlError,
    NotDelivered,
    PuzzleShown,
    SessionLost,
    Throttled,
)
from crawlers.pages.arrivals import Arrivals, arriving

#: What the page says when it will not send, and what that means.
_WORDS: tuple[tuple[str, type[CrawlError]], ...] = (
    ("too fast", Throttled),
    ("too many", Throttled),
    ("too frequent", Throttled),
    ("not accepting", ChatClosed),
    ("cannot receive", ChatClosed),
    ("longer than", CannotSend),
    ("not an image", CannotSend),
)
#: What an answer of the chat's own call says for certain; any other failure may have come after the message was taken.
_CERTAIN = (SessionLost, PuzzleShown, Banned, Throttled)


class SendCall:
    """The call by which the chat sends, where it sends by one that can be seen."""

    def __init__(self, answers: Arrivals) -> None:
        self._answers = answers
        self._asked = 0
        #: Whether an answer was that of a server, or a proxy, which failed: it may say anything.
        self.has_broken = False

    def note(self, request: Request) -> None:
        """Take a request of that call."""
        self._asked += request.method != "OPTIONS"

    def note_answer(self, response: Response) -> None:
        """Take an answer of that call."""
        self.has_broken = self.has_broken or response.status >= 500  # noqa: PLR2004 -- RFC 9110, 15.6

    @property
    def is_open(self) -> bool:
        """Whether something was asked that has not been answered."""
        return self._asked > sum(arrival.data.done() for arrival in self._answers.listed)

    def failure(self) -> BaseException | None:
        """Return what the first answer that was none means."""
        ended = [each.data for each in self._answers.listed if each.data.done() and not each.data.cancelled()]
        return next((error for each in ended if (error := each.exception())), None)

    def raise_if_refused(self) -> None:
        """Raise NotDelivered where an answer says for certain that the message was not taken."""
        error = self.failure()
        if isinstance(error, _CERTAIN):
            raise NotDelivered(str(error), error)


@asynccontextmanager
async def sending(tab: Page, call: str) -> AsyncIterator[SendCall]:
    """Watch the calls whose address has `call` in it while inside."""
    async with arriving(tab, lambda response: call in response.url) as answers:
        watched = SendCall(answers)

        def note(request: Request) -> None:
            if call in request.url:
                watched.note(request)

        def note_answer(response: Response) -> None:
            if call in response.url:
                watched.note_answer(response)

        tab.on("request", note)
        tab.on("response", note_answer)
        try:
            yield watched
        finally:
            tab.remove_listener("request", note)
            tab.remove_listener("response", note_answer)


def refusal(said: str) -> NotDelivered:
    """Return what the words of a page mean that will not send."""
    meant = next((kind for word, kind in _WORDS if word in said.lower()), None)
    return NotDelivered(said, meant(said) if meant else None)
