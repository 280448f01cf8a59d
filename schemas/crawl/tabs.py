"""The tabs of the page of sample requests, however somebody spells them."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any


class Tab(StrEnum):
    """A tab of sample requests; the value is the word that crawls are asked for it with."""

    REVIEW = "review"
    READY = "ready"
    SHIPPED = "shipped"
    PENDING = "pending"
    COMPLETED = "completed"
    CANCELED = "canceled"

    @property
    def slug(self) -> str:
        """How the page's address calls it."""
        return _SLUGS[self]

    @property
    def label(self) -> str:
        """What stands on it, which is also the status of its samples."""
        return _LABELS[self]


_SLUGS = {
    Tab.REVIEW: "to_review",
    Tab.READY: "ready_to_ship",
    Tab.SHIPPED: "shipped",
    Tab.PENDING: "content_pending",
    Tab.COMPLETED: "completed",
    Tab.CANCELED: "cancel",
}
_LABELS = {
    Tab.REVIEW: "To review",
    Tab.READY: "Ready to ship",
    Tab.SHIPPED: "Shipped",
    Tab.PENDING: "Content pending",
    Tab.COMPLETED: "Completed",
    Tab.CANCELED: "Canceled",
}
_SPELLINGS = {
    spelling: tab for tab in Tab for spelling in (tab.value, tab.slug, tab.label.lower().replace(" ", "_"))
} | {"cancelled": Tab.CANCELED}


def tabs_of(value: Any) -> list[Tab]:
    """Read one tab or several, as a list or as text parted by commas; `all` is every tab in the page's order.

    Raises ValueError for a word that is no tab: crawled as one, its rows would be stored under a status of nobody's.
    """
    words: Iterable[Any] = re.split(r"[,;|]", value) if isinstance(value, str) else value
    if not isinstance(words, list | tuple | set):
        raise ValueError("is neither a tab nor a list of tabs")  # noqa: TRY004  pydantic tells of ValueErrors
    named = [re.sub(r"[\s_-]+", "_", str(word).strip().lower()) for word in words]
    named = [word for word in named if word]
    if "all" in named:
        return list(Tab)
    if unknown := [word for word in named if word not in _SPELLINGS]:
        raise ValueError(f"has no tab {unknown[0][:40]!r}; there are all, {', '.join(Tab)}")
    return list(dict.fromkeys(_SPELLINGS[word] for word in named))
