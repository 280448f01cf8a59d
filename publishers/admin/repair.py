"""Replay and cancel: some deliveries, page by page, each page one short transaction; a replay is spread over time."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from brokers.verdict import Conflict
from persistence.uow import Transaction, Uow
from schemas.clock import Clock
from schemas.readers import whole_milliseconds
from schemas.relay.records import Delivery, DeliveryState
from schemas.relay.selection import DeliverySelection, FoundDelivery, Page

#: Rows of one transaction: locks are held for a few milliseconds, whatever is asked for.
PAGE: Final = 500
#: Most deliveries of one call.
MOST: Final = 10_000
#: A second: gentle beside live traffic, and still a backlog of 10,000 in under two minutes.
RATE: Final = 100
#: How long a platform without an adapter is tried.
_HORIZON: Final = timedelta(hours=48)
#: Losing a race against senders is to be expected, and the next try wins it.
_TRIES: Final = 5

#: What can be sent again, and what can still be called off. What is being sent right now is neither.
ENDED: Final = frozenset({DeliveryState.DEAD, DeliveryState.CANCELLED, DeliveryState.SKIPPED, DeliveryState.DELIVERED})
CANCELLABLE: Final = frozenset({DeliveryState.PENDING, DeliveryState.DEAD})

#: Changes the deliveries of one page, the first of which is at this place of all; returns them as they were.
_Work = Callable[[Transaction, Sequence[FoundDelivery], int], Awaitable[Sequence[Delivery]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """How many deliveries matched and how many changed; `next_after` continues where there are more.

    `last_at` is when the last of a replay becomes due.
    """

    matched: int
    changed: int
    next_after: int | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Repair:
    """Some deliveries to be repaired: `most` at once, those after a number; `told` hears how many each page held.

    A replay begins now, or at `start` where it continues another.
    """

    uow: Uow
    clock: Clock
    selection: DeliverySelection
    most: int = MOST
    after: int = 0
    start: datetime | None = None
    told: Callable[[int], None] = lambda _: None

    async def replay(self, horizons: Mapping[str, timedelta], rate: int = RATE) -> Repaired:
        """Send ended deliveries again under the ids that they had, `rate` a second, each with a new horizon.

        They become due one after the other, so that the pace holds whatever becomes of this process.
        """
        now = whole_milliseconds(self.clock())
        start = max(self.start or now, now)

        async def again(tx: Transaction, found: Sequence[FoundDelivery], place: int) -> Sequence[Delivery]:
            groups: dict[tuple[datetime, timedelta], list[FoundDelivery]] = defaultdict(list)
            for index, each in enumerate(found, start=place):
                at = start + timedelta(seconds=index // rate)
                groups[at, horizons.get(each.destination.platform_code, _HORIZON)].append(each)
            restarted: list[Delivery] = []
            for (at, horizon), group in groups.items():
                restarted += await tx.event_deliveries.restart(_numbers(group), now=now, at=at, expires_at=at + horizon)
            await tx.events.conclude({each.event_id for each in restarted}, now)
            return restarted

        done = await self._in_pages(again)
        last_at = start + timedelta(seconds=max(done.matched - 1, 0) // rate)
        return Repaired(
            matched=done.matched,
            changed=done.changed,
            next_after=done.next_after,
            last_at=last_at if done.changed else None,
        )

    async def cancel(self, reason: str) -> Repaired:
        """Never send what still waits, or what has died."""

        async def off(tx: Transaction, found: Sequence[FoundDelivery], _: int) -> Sequence[Delivery]:
            now = whole_milliseconds(self.clock())
            cancelled = await tx.event_deliveries.cancel(_numbers(found), now=now, reason=reason)
            await tx.events.conclude({each.event_id for each in cancelled}, now)
            return cancelled

        return await self._in_pages(off)

    async def _in_pages(self, work: _Work) -> Repaired:
        matched = changed = 0
        after = self.after
        while matched < self.most:
            page = Page(limit=min(PAGE, self.most - matched), after=after)
            found, done = await self._page(work, page, matched)
            matched, changed = matched + len(found), changed + len(done)
            self.told(len(found))
            if len(found) < page.limit:
                return Repaired(matched=matched, changed=changed)
            after = found[-1].delivery.id or after
        return Repaired(matched=matched, changed=changed, next_after=after)

    async def _page(self, work: _Work, page: Page, place: int) -> tuple[list[FoundDelivery], Sequence[Delivery]]:
        for tries_left in reversed(range(_TRIES)):
            try:
                async with self.uow() as tx:
                    found = await tx.search.deliveries(self.selection, page)
                    return found, await work(tx, found, place) if found else []
            except Conflict:
                if not tries_left:
                    raise
        raise AssertionError


def _numbers(found: Sequence[FoundDelivery]) -> list[int]:
    return [each.delivery.id for each in found if each.delivery.id is not None]
