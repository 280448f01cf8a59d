"""What the seller centre does wrong on request, and what it has done."""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any

#: Whoever stands in such a list means every creator.
EVERYBODY = "*"


@dataclass
class Faults:
    """What is wrong from now on; paths are fragments of a call's path, creators are ids or `*`, times milliseconds."""

    #: Every call is answered this much later; the sum is under `delayed_s` of the counts.
    delay_ms: float = 0
    #: Calls of these paths are answered so much later still.
    slow: dict[str, float] = field(default_factory=dict)
    #: So many next calls of these paths fail with a 500.
    fail_next: dict[str, int] = field(default_factory=dict)
    #: So many next calls of these paths are refused with a 429.
    throttle_next: dict[str, int] = field(default_factory=dict)
    #: So many next calls of these paths are never answered.
    hang_next: dict[str, int] = field(default_factory=dict)
    #: So many next calls of these paths do their work, and fail with a 502 all the same.
    taken_and_failed: dict[str, int] = field(default_factory=dict)
    #: A wall that asks for a puzzle stands before everything.
    captcha: bool = False
    #: The wall comes after so many calls; sessions end after so many calls.
    captcha_after: int | None = None
    expire_after: int | None = None
    #: Accounts, by e-mail, that are banned.
    banned: list[str] = field(default_factory=list)
    #: Nothing is served but the page of a proxy that finds nobody.
    down: bool = False
    #: So many requests have left the head of each tab.
    withdrawn: int = 0
    #: Rows are drawn in another order than they came in.
    shuffled: bool = False
    #: Elements that pages leave out, as CSS selectors.
    missing: list[str] = field(default_factory=list)
    #: Creators who cannot be written to, whose page never shows an input, whose bubbles never appear or stay pending
    #: (the server has the message all the same), whose messages the server refuses.
    chat_unavailable: list[str] = field(default_factory=list)
    input_missing: list[str] = field(default_factory=list)
    bubble_missing: list[str] = field(default_factory=list)
    bubble_pending: list[str] = field(default_factory=list)
    send_refused: list[str] = field(default_factory=list)
    #: What was said in a chat is drawn so much later than its input.
    history_late_ms: float = 0
    #: Creators in whose place a chat shows another one's conversation.
    chat_of_another: list[str] = field(default_factory=list)
    #: Messages an account may send in a minute; 0 is any number.
    chat_per_minute: int = 0

    @classmethod
    def read(cls, wanted: dict[str, Any]) -> "Faults":
        """Read faults as JSON; a name that is none is a ValueError."""
        if unknown := set(wanted) - {each.name for each in fields(cls)}:
            raise ValueError(f"no fault is called {', '.join(sorted(unknown))}")
        return cls(**wanted)

    def delay_of(self, path: str) -> float:
        """Return how much later a call is answered, in seconds."""
        slow = sum(more for fragment, more in self.slow.items() if fragment in path)
        return (self.delay_ms + slow) / 1000


def concerns(listed: list[str], one: str) -> bool:
    """Tell whether a list of creators or accounts names this one."""
    return one in listed or EVERYBODY in listed


def used_up(left: dict[str, int], path: str) -> bool:
    """Tell whether a path's fault is due, and count it down."""
    for fragment, times in left.items():
        if times > 0 and fragment in path:
            left[fragment] -= 1
            return True
    return False


@dataclass
class Counts:
    """What has happened: calls by path, time that answers were held back, pages, logins, faults."""

    calls: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    delayed_s: float = 0.0

    def told(self) -> dict[str, Any]:
        """Return all of it as JSON."""
        return {
            "calls": self.calls.total(),
            "by_path": dict(self.calls),
            "delayed_s": round(self.delayed_s, 3),
            **{name: self.seen[name] for name in ("pages", "logins", "mails", "faults")},
        }
