"""One row for each event and destination: added by intake, claimed by senders, settled after every attempt."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, func, select

from persistence.dialect import Bulk, paths_of
from persistence.relay.rows import columns_of, records_of
from persistence.session import Session, chunks
from persistence.tables import deliveries, marketing_events
from schemas.relay.records import ClaimedDelivery, Delivery, DeliveryState, MarketingEvent

_CLAIM: Final = ("claim_token", "claimed_until")
_TOLD: Final = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEAD)
_PATHS: Final = paths_of(deliveries, leave_out=_CLAIM)

ADD: Final = Bulk(
    table=deliveries,
    paths={name: path for name, path in _PATHS.items() if name != "id"},
    key=("event_id", "destination_id"),
)
SETTLE: Final = Bulk(
    table=deliveries,
    paths=paths_of(deliveries, prefix="delivery.", leave_out=_CLAIM) | {name: name for name in _CLAIM},
    key=("id",),
    replace=(
        "state",
        "attempts",
        "next_attempt_at",
        "expires_at",
        "reason",
        "delivered_at",
        "updated_at",
        *_CLAIM,
    ),
)


@dataclass(frozen=True, slots=True)
class _Settled:
    """A delivery's new state, with its claim given up."""

    delivery: Delivery
    claim_token: None = None
    claimed_until: None = None


class EventDeliveries:
    """Deliveries by destination, by event, and by who holds them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, new: Sequence[Delivery]) -> None:
        """Insert deliveries; one that exists already stays as it is."""
        await self._session.write(ADD, sorted(new, key=lambda each: (each.event_id, each.destination_id)))

    async def claim(
        self, destination_id: int, *, now: datetime, limit: int, token: str, lease: timedelta
    ) -> list[ClaimedDelivery]:
        """Take what is due to a destination, longest due first, and what a dead sender has left; mark it `sending`.

        The deliveries are returned with their attempts counted. After the lease another sender may take them. What
        belongs to an event that somebody has deleted is cancelled.
        """
        mine = select(*columns_of(Delivery)).where(deliveries.c.destination_id == destination_id)
        left = mine.where(deliveries.c.state == DeliveryState.SENDING, deliveries.c.claimed_until <= now)
        due = mine.where(deliveries.c.state == DeliveryState.PENDING, deliveries.c.next_attempt_at <= now)
        taken: list[Delivery] = []
        for query in (left, due):
            page = query.order_by(deliveries.c.next_attempt_at, deliveries.c.id).limit(limit - len(taken))
            taken += await self._locked(page)
            if len(taken) >= limit:
                break
        return await self._begun(taken, now, token, now + lease)

    async def settle(self, settled: Sequence[Delivery], *, token: str) -> list[Delivery]:
        """Write the state of claimed deliveries and give up their claims; return those that were still ours."""
        ours: set[int] = set()
        for chunk in chunks(sorted(each.id for each in settled if each.id is not None)):
            still = select(deliveries.c.id).where(deliveries.c.id.in_(chunk), deliveries.c.claim_token == token)
            ours.update((await self._session.execute(still.with_for_update())).scalars())
        mine = sorted((each for each in settled if each.id in ours), key=lambda each: each.id or 0)
        await self._session.write(SETTLE, [_Settled(each) for each in mine])
        return mine

    async def has_due(self, destination_id: int, now: datetime) -> bool:
        """Tell whether anything waits to be sent to a destination now."""
        due = select(deliveries.c.id).where(
            deliveries.c.destination_id == destination_id,
            deliveries.c.state == DeliveryState.PENDING,
            deliveries.c.next_attempt_at <= now,
        )
        return (await self._session.execute(due.limit(1))).first() is not None

    async def of_event(self, event_id: int) -> list[Delivery]:
        """Return the deliveries of an event, in order of number."""
        return await self._read(_all().where(deliveries.c.event_id == event_id).order_by(deliveries.c.id))

    async def get(self, number: int, *, for_update: bool = False) -> Delivery | None:
        """Return one delivery, or None."""
        query = _all().where(deliveries.c.id == number)
        found = await self._read(query.with_for_update() if for_update else query)
        return found[0] if found else None

    async def listed(
        self,
        *,
        limit: int,
        after: int = 0,
        state: DeliveryState | None = None,
        destination_id: int | None = None,
        event_id: int | None = None,
        storefront_id: int | None = None,
    ) -> list[Delivery]:
        """Return deliveries that match, in order of number, those after a number first."""
        equal = {"state": state, "destination_id": destination_id, "event_id": event_id}
        matching = [deliveries.c[name] == value for name, value in equal.items() if value is not None]
        query = _all().where(deliveries.c.id > after, *matching)
        if storefront_id is not None:
            of_storefront = select(marketing_events.c.id).where(marketing_events.c.storefront_id == storefront_id)
            query = query.where(deliveries.c.event_id.in_(of_storefront))
        return await self._read(query.order_by(deliveries.c.id).limit(limit))

    async def restart(
        self, numbers: Collection[int], *, now: datetime, at: datetime, expires_at: datetime
    ) -> list[Delivery]:
        """Send ended deliveries again at a moment, with a horizon of their own; return them as they were."""
        ended = (DeliveryState.DEAD, DeliveryState.CANCELLED, DeliveryState.SKIPPED, DeliveryState.DELIVERED)
        values = {"state": DeliveryState.PENDING, "next_attempt_at": at, "expires_at": expires_at, "reason": None}
        return await self._change(numbers, ended, {**values, "delivered_at": None, "updated_at": now})

    async def cancel(self, numbers: Collection[int], *, now: datetime, reason: str) -> list[Delivery]:
        """Never send these, where they still wait; return them as they were."""
        values = {"state": DeliveryState.CANCELLED, "reason": reason, "updated_at": now}
        return await self._change(numbers, (DeliveryState.PENDING, DeliveryState.DEAD), values)

    async def counts(self, destinations: Collection[int]) -> list[tuple[int, DeliveryState, int]]:
        """Return how many deliveries of each destination wait, are being sent, or are dead; not the many that ended."""
        counted = select(deliveries.c.destination_id, deliveries.c.state, func.count().label("n")).where(
            deliveries.c.destination_id.in_(destinations), deliveries.c.state.in_(_TOLD)
        )
        rows = await self._session.execute(counted.group_by(deliveries.c.destination_id, deliveries.c.state))
        return [(row.destination_id, DeliveryState(row.state), row.n) for row in rows]

    async def _begun(
        self, taken: Sequence[Delivery], now: datetime, token: str, until: datetime
    ) -> list[ClaimedDelivery]:
        events = await self._events({each.event_id for each in taken})
        gone = [each.id for each in taken if each.id is not None and each.event_id not in events]
        why = {"state": DeliveryState.CANCELLED, "reason": "its event was deleted", "updated_at": now}
        await self._change(gone, (DeliveryState.PENDING, DeliveryState.SENDING), why)
        taken = [each for each in taken if each.event_id in events]
        for chunk in chunks([each.id for each in taken]):
            mark = deliveries.update().where(deliveries.c.id.in_(chunk))
            await self._session.execute(
                mark.values(
                    state=DeliveryState.SENDING,
                    attempts=deliveries.c.attempts + 1,
                    claim_token=token,
                    claimed_until=until,
                    updated_at=now,
                )
            )
        begun = [replace(each, state=DeliveryState.SENDING, attempts=each.attempts + 1) for each in taken]
        return [ClaimedDelivery(delivery=each, event=events[each.event_id]) for each in begun]

    async def _events(self, numbers: Collection[int]) -> dict[int, MarketingEvent]:
        found: dict[int, MarketingEvent] = {}
        for chunk in chunks(sorted(numbers)):
            query = select(*columns_of(MarketingEvent)).where(marketing_events.c.id.in_(chunk))
            rows = (await self._session.execute(query)).all()
            found |= {each.id: each for each in records_of(MarketingEvent, rows) if each.id is not None}
        return found

    async def _change(
        self, numbers: Collection[int], states: Sequence[DeliveryState], values: dict[str, Any]
    ) -> list[Delivery]:
        changed: list[Delivery] = []
        for chunk in chunks(sorted(set(numbers))):
            chosen = _all().where(deliveries.c.id.in_(chunk), deliveries.c.state.in_(states))
            found = await self._locked(chosen.order_by(deliveries.c.id), skip_locked=False)
            ids = [each.id for each in found]
            if ids:
                await self._session.execute(deliveries.update().where(deliveries.c.id.in_(ids)).values(**values))
            changed += found
        return changed

    async def _locked(self, query: Select[Any], *, skip_locked: bool = True) -> list[Delivery]:
        return await self._read(query.with_for_update(skip_locked=skip_locked))

    async def _read(self, query: Select[Any]) -> list[Delivery]:
        return records_of(Delivery, (await self._session.execute(query)).all())


def _all() -> Select[Any]:
    return select(*columns_of(Delivery))
