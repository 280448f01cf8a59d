"""TikTok's webhooks as its stand-in sends them: signed, and again until they are answered 200 or 72 hours are over.

Rules: https://developers.tiktok.com/doc/webhooks-overview (at least once, over POST; anything but 200 is tried again
with growing waits for 72 hours) and https://developers.tiktok.com/doc/webhooks-verification (the signature). The waits
themselves are not documented: here they begin with a minute and double.
"""

import asyncio
import hmac
import json
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore

DAYS: Final = 72 * 3600.0
FIRST_WAIT: Final = 60.0
#: TikTok's own patience with an answer is not documented.
PATIENCE: Final = 10.0
_GOOD: Final = 200


@dataclass
class App:
    """An app as its developer set it up, and how its notifications are sent.

    `speed` is how many of TikTok's seconds pass in one of ours while something waits to be sent again. Of each
    notification there are `copies`, and what is said at once goes out in any order where it `is_shuffled`. What is sent
    again is signed again, unless not `resigns`.
    """

    callback_url: str = ""
    client_key: str = ""
    client_secret: str = ""
    speed: float = 1.0
    concurrency: int = 50
    copies: int = 1
    is_shuffled: bool = False
    echoes: bool = True
    resigns: bool = True


@dataclass
class Notice:
    """A notification on its way: `answers` are the statuses so far, 0 where there was none."""

    body: bytes
    made_at: float
    answers: list[int] = field(default_factory=list)
    is_dropped: bool = False
    taken_after: float | None = None


def waits() -> Iterator[float]:
    """Yield the seconds to wait after each failure, for 72 hours in all."""
    waited, wait = 0.0, FIRST_WAIT
    while waited < DAYS:
        yield min(wait, DAYS - waited)
        waited += wait
        wait *= 2


def signature(body: bytes, secret: str, at: int) -> str:
    """Return what the header `TikTok-Signature` says of a body."""
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    return f"t={at},s={digest}"


def envelope(app: App, business_id: str, event: str, content: Any, at: float) -> bytes:
    """Return a notification's bytes: what it says stands as JSON within a text."""
    said = {"client_key": app.client_key, "event": event, "create_time": int(at), "user_openid": business_id}
    return json.dumps({**said, "content": content if isinstance(content, str) else json.dumps(content)}).encode()


class Postman:
    """Brings notifications to the app's address, several at a time, each until it is taken or dropped."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.app = App()
        self.notices: list[Notice] = []
        self._clock = clock
        self._random = random.Random(7)
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: httpcore.AsyncConnectionPool | None = None
        self._slots = asyncio.Semaphore(self.app.concurrency)

    def forget(self) -> None:
        """Bring nothing of what was to be brought."""
        for task in self._tasks:
            task.cancel()
        self.notices.clear()

    def use(self, values: Mapping[str, Any]) -> None:
        """Set the app up; what is not named stays as it is."""
        self.app = App(**{**vars(self.app), **values})
        self._slots = asyncio.Semaphore(self.app.concurrency)

    def post(self, bodies: Iterable[bytes]) -> None:
        """Send notifications, if somebody wants them."""
        if not self.app.callback_url:
            return
        now = self._clock()
        notices = [Notice(body, now) for body in bodies for _ in range(self.app.copies)]
        if self.app.is_shuffled:
            self._random.shuffle(notices)
        self.notices += notices
        for notice in notices:
            task = asyncio.create_task(self._bring(notice))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def told(self) -> dict[str, Any]:
        """Return how many were taken, wait and were dropped, how they were answered, and the longest way."""
        states = Counter(
            "dropped" if each.is_dropped else "waiting" if each.taken_after is None else "taken"
            for each in self.notices
        )
        answers = Counter(str(status) for each in self.notices for status in each.answers)
        longest = max((each.taken_after or 0.0 for each in self.notices), default=0.0)
        return {"taken": 0, "waiting": 0, "dropped": 0, **states, "answers": answers, "longest_s": longest}

    async def close(self) -> None:
        """End every delivery, and begin no other."""
        self.app.callback_url = ""
        self.forget()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connections is not None:
            await self._connections.aclose()

    async def _bring(self, notice: Notice) -> None:
        signed = int(self._clock())
        for wait in waits():
            async with self._slots:
                at = int(self._clock()) if self.app.resigns else signed
                notice.answers.append(await self._call(notice.body, at))
            if notice.answers[-1] == _GOOD:
                notice.taken_after = self._clock() - notice.made_at
                return
            await asyncio.sleep(wait / self.app.speed)
        notice.is_dropped = True

    async def _call(self, body: bytes, at: int) -> int:
        # Without httpx's own layers, which take as long as everything below them.
        if self._connections is None:
            self._connections = httpcore.AsyncConnectionPool(max_connections=None, max_keepalive_connections=100)
        headers = {
            "Host": urlsplit(self.app.callback_url).netloc,
            "TikTok-Signature": signature(body, self.app.client_secret, at),
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "X-Tt-Logid": secrets.token_hex(8),
        }
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._connections.request("POST", self.app.callback_url, headers=headers, content=body)
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            return 0
        return answer.status
