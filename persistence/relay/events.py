"""Marketing events: added by intake, adopted where another system wrote them, and concluded from their deliveries."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, case, exists, func, or_, select

from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.relay.rows import columns_of, record_of, record_of_values, records_of
from persistence.session import Session, chunks
from persistence.tables import deliveries, marketing_events, platform_credentials, storefront_sgtm_config, storefronts
from schemas.relay.records import DeliveryState, DestinationKind, EventStatus, MarketingEvent

_CLAIM: Final = ("claim_token", "claimed_until")
_PATHS: Final = paths_of(marketing_events, leave_out=_CLAIM)

ADD: Final = Bulk(table=marketing_events, paths={name: path for name, path in _PATHS.items() if name != "id"})
SAVE: Final = Bulk(
    table=marketing_events,
    paths=_PATHS,
    key=("id",),
    replace=tuple(name for name in _PATHS if name not in {"id", "created_at"}),
)

_SAME: Final = marketing_events.c.identity.in_(KEYS)
_FIND: Final = Keyed(select(*columns_of(MarketingEvent)).where(_SAME).with_for_update())
_NUMBERS: Final = Keyed(select(marketing_events.c.identity, marketing_events.c.id).where(_SAME))

#: What others write says `pending`, or a word that nobody knows, which is read as the same.
_NEW: Final = marketing_events.c.status == EventStatus.PENDING
_ODD: Final = marketing_events.c.status.not_in(list(EventStatus))

#: What the deliveries of an event add up to: one that is still on its way outweighs one that arrived.
_OPEN: Final = (DeliveryState.PENDING, DeliveryState.SENDING)


class Events:
    """Events by identity and by number."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, identities: Collection[str]) -> dict[str, MarketingEvent]:
        """Return the events that have these identities, locked until the transaction ends."""
        rows = await self._session.read(_FIND, sorted(set(identities)))
        found = [record_of_values(MarketingEvent, row) for row in rows]
        return {each.identity: each for each in found if each.identity}

    async def add(self, new: Sequence[MarketingEvent]) -> None:
        """Insert events; one whose identity appeared meanwhile is a Conflict."""
        await self._session.write(ADD, sorted(new, key=lambda event: event.identity or ""))

    async def numbers(self, identities: Collection[str]) -> dict[str, int]:
        """Return the row numbers of events by identity."""
        return dict(await self._session.read(_NUMBERS, sorted(set(identities))))

    async def claim_unadopted(self, *, now: datetime, limit: int, token: str, lease: timedelta) -> list[int]:
        """Take rows that nobody has looked at, or that are held for something that now exists; return their numbers.

        After the lease they are taken again unless they were adopted meanwhile.
        """
        free = or_(marketing_events.c.claimed_until.is_(None), marketing_events.c.claimed_until <= now)
        untouched = [
            select(marketing_events.c.id).where(each, marketing_events.c.identity.is_(None)) for each in (_NEW, _ODD)
        ]
        taken: list[int] = []
        for query in (untouched[0].order_by(marketing_events.c.id), untouched[1], *await self._resolvable()):
            page = query.where(free, marketing_events.c.id.not_in(taken)).limit(limit - len(taken))
            taken += (await self._session.execute(page.with_for_update(skip_locked=True))).scalars()
            if len(taken) >= limit:
                break
        for chunk in chunks(taken):
            mark = marketing_events.update().where(marketing_events.c.id.in_(chunk))
            await self._session.execute(mark.values(claim_token=token, claimed_until=now + lease))
        return taken

    async def _resolvable(self) -> list[Select[Any]]:
        """Return queries for held events whose storefront is known by now and has somewhere to send to.

        Asked storefront by storefront, each is one look into an index, however many events are held for others.
        """
        ready = (await self._session.execute(_ready())).all()
        held = select(marketing_events.c.id).where(marketing_events.c.status == EventStatus.HELD)
        return [
            held.where(column.in_(chunk))
            for column, values in (
                (marketing_events.c.storefront_code, [each.storefront_id for each in ready]),
                (marketing_events.c.storefront_id, [each.id for each in ready]),
            )
            for chunk in chunks(values)
        ]

    async def take(self, numbers: Collection[int]) -> list[MarketingEvent]:
        """Return those of these rows that still wait to be adopted or resolved, locked."""
        waiting = or_(
            and_(or_(_NEW, _ODD), marketing_events.c.identity.is_(None)),
            marketing_events.c.status == EventStatus.HELD,
        )
        taken: list[MarketingEvent] = []
        for chunk in chunks(sorted(set(numbers))):
            query = select(*columns_of(MarketingEvent)).where(marketing_events.c.id.in_(chunk), waiting)
            rows = (await self._session.execute(query.order_by(marketing_events.c.id).with_for_update())).all()
            taken += records_of(MarketingEvent, rows)
        return taken

    async def save(self, changed: Sequence[MarketingEvent]) -> None:
        """Write events found under lock, by number; an identity that another row has is a Conflict."""
        await self._session.write(SAVE, sorted(changed, key=lambda event: event.id or 0))

    async def get(self, number: int) -> MarketingEvent | None:
        """Return one event, or None."""
        query = select(*columns_of(MarketingEvent)).where(marketing_events.c.id == number)
        row = (await self._session.execute(query)).first()
        return record_of(MarketingEvent, row) if row is not None else None

    async def forget(self, number: int, now: datetime) -> None:
        """Drop what the producer sent; its identity and the digest of its content stay, so that a repeat is known."""
        row = marketing_events.update().where(marketing_events.c.id == number)
        await self._session.execute(row.values(event_payload="{}", updated_at=now))

    async def listed(
        self,
        *,
        limit: int,
        after: int = 0,
        event_id: str | None = None,
        storefront_id: int | None = None,
        status: EventStatus | None = None,
    ) -> list[MarketingEvent]:
        """Return events that match, in order of number, those after a number first: stable while rows come and go."""
        equal = {"event_id": event_id, "storefront_id": storefront_id, "status": status}
        matching = [marketing_events.c[name] == value for name, value in equal.items() if value is not None]
        query = select(*columns_of(MarketingEvent)).where(marketing_events.c.id > after, *matching)
        rows = (await self._session.execute(query.order_by(marketing_events.c.id).limit(limit))).all()
        return records_of(MarketingEvent, rows)

    async def conclude(self, numbers: Collection[int], now: datetime) -> None:
        """Write what the deliveries of these events add up to.

        Delivered where every destination has it or must not have it, failed where one is dead and none is on its way,
        retrying where one waits for another attempt.
        """
        for chunk in chunks(sorted(set(numbers))):
            rows = (await self._session.execute(_tallied(chunk))).all()
            by_status: dict[EventStatus, list[int]] = {}
            for row in rows:
                by_status.setdefault(_status_of(row), []).append(row.event_id)
            for status, ids in by_status.items():
                is_over = status not in {EventStatus.PROCESSING, EventStatus.RETRYING}
                update = marketing_events.update().where(marketing_events.c.id.in_(ids))
                await self._session.execute(
                    update.values(status=status, processed_at=now if is_over else None, updated_at=now)
                )


def _ready() -> Select[Any]:
    """Select the storefronts that have somewhere to send to."""
    sgtm = exists().where(storefront_sgtm_config.c.storefront_id == storefronts.c.id)
    direct = exists().where(
        platform_credentials.c.storefront_id == storefronts.c.id,
        platform_credentials.c.destination_type == DestinationKind.DIRECT,
    )
    return select(storefronts.c.id, storefronts.c.storefront_id).where(or_(sgtm, direct))


def _tallied(numbers: Sequence[int]) -> Select[Any]:
    state = deliveries.c.state

    def count(*states: DeliveryState) -> Any:
        return func.sum(case((state.in_(states), 1), else_=0))

    return (
        select(
            deliveries.c.event_id,
            count(*_OPEN).label("open"),
            count(DeliveryState.DEAD).label("dead"),
            count(DeliveryState.CANCELLED).label("cancelled"),
            func.max(deliveries.c.attempts).label("attempts"),
        )
        .where(deliveries.c.event_id.in_(numbers))
        .group_by(deliveries.c.event_id)
    )


def _status_of(tally: Any) -> EventStatus:
    if tally.open:
        return EventStatus.RETRYING if tally.attempts else EventStatus.PROCESSING
    if tally.dead:
        return EventStatus.FAILED
    return EventStatus.CANCELLED if tally.cancelled else EventStatus.DELIVERED
