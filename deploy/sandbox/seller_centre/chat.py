"""Conversations with creators: what was sent to whom, how often, and what the server says to it."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from deploy.sandbox.seller_centre.faults import Faults, concerns

LONGEST = 2000
SHOWN = 30
TYPES = frozenset({"text", "product", "image"})


class NotSent(Exception):
    """The server refuses a message: the answer's code, and what the page says."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass
class Chats:
    """What each creator was sent, in order; `from` is `merchant` or `creator`."""

    clock: Callable[[], float] = time.time
    _said: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _sent_at: dict[str, list[float]] = field(default_factory=dict)
    _number: int = 0

    def shown(self, creator_id: str) -> list[dict[str, Any]]:
        """Return the end of a conversation."""
        return self._said.get(creator_id, [])[-SHOWN:]

    def send(self, creator_id: str, account: str, message: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Take a message from a seller; raises NotSent."""
        kind, content = message.get("type"), str(message.get("content") or "")
        if concerns(faults.chat_unavailable, creator_id):
            raise NotSent(30002, "This creator is not accepting messages")
        if concerns(faults.send_refused, creator_id):
            raise NotSent(30003, "Message could not be sent")
        if kind not in TYPES or not content.strip():
            raise NotSent(30001, "Message is empty")
        if len(content) > LONGEST and kind == "text":
            raise NotSent(30004, f"Message is longer than {LONGEST} characters")
        self._check_pace(account, faults.chat_per_minute)
        return self._said_by(creator_id, "merchant", message | {"account": account})

    def reply(self, creator_id: str, text: str) -> dict[str, Any]:
        """Let a creator write."""
        return self._said_by(creator_id, "creator", {"type": "text", "content": text})

    def truth(self) -> list[dict[str, Any]]:
        """Return what each creator was sent, with the texts that were sent more than once."""
        told = []
        for creator_id, said in self._said.items():
            sent = [each for each in said if each["from"] == "merchant"]
            times = Counter((each["type"], each["content"]) for each in sent)
            repeated = [{"type": kind, "content": text, "times": n} for (kind, text), n in times.items() if n > 1]
            told.append({"creator_id": creator_id, "messages": said, "sent": len(sent), "repeated": repeated})
        return told

    def tally(self) -> dict[str, int]:
        """Return how many creators were written to, how many messages there are, and how many repeat another."""
        truth = self.truth()
        return {
            "creators": sum(1 for each in truth if each["sent"]),
            "messages": sum(each["sent"] for each in truth),
            "repeats": sum(again["times"] - 1 for each in truth for again in each["repeated"]),
        }

    def _check_pace(self, account: str, per_minute: int) -> None:
        now = self.clock()
        recent = [at for at in self._sent_at.get(account, []) if now - at < 60]  # noqa: PLR2004 -- a minute
        if per_minute and len(recent) >= per_minute:
            raise NotSent(30429, "You're sending messages too fast. Try again later")
        self._sent_at[account] = [*recent, now]

    def _said_by(self, creator_id: str, who: str, message: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        kept = {
            "message_id": f"77{self._number:017d}",
            "from": who,
            "type": message["type"],
            "content": message["content"],
            "client_id": message.get("client_id"),
            "account": message.get("account"),
            "at": self.clock(),
        }
        self._said.setdefault(creator_id, []).append(kept)
        return kept
