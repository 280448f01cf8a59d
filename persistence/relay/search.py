"""What operators look for: events and deliveries by what is known of them, page by page, in a stable order."""

from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, func, or_, select

from persistence.relay.rows import columns_of, record_of, records_of
from persistence.session import Session
from persistence.tables import admin_audit, deliveries, destinations, event_mappings, marketing_events
from schemas.relay.records import Delivery, Destination, MarketingEvent
from schemas.relay.selection import (
    UNCERTAIN,
    AuditEntry,
    DeliverySelection,
    EventSelection,
    FoundDelivery,
    Page,
    StoredMapping,
)

T = TypeVar("T")

#: Counting goes no further: a page has to come at once, however many rows there are.
COUNTED: Final = 10_000

_FOUND: Final = (
    *columns_of(Delivery, prefix="y_"),
    *columns_of(Destination, prefix="d_"),
    marketing_events.c.storefront_code,
    marketing_events.c.event_type,
    marketing_events.c.event_id,
)
_JOINED: Final = deliveries.join(destinations, destinations.c.id == deliveries.c.destination_id).join(
    marketing_events, marketing_events.c.id == deliveries.c.event_id
)


class Search:
    """Pages of events, deliveries, and what operators did."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def events(self, selection: EventSelection, page: Page) -> list[MarketingEvent]:
        """Return a page of events."""
        query = select(*columns_of(MarketingEvent)).where(*_events_of(selection))
        return records_of(MarketingEvent, await self._page(query, marketing_events, page))

    async def deliveries(self, selection: DeliverySelection, page: Page) -> list[FoundDelivery]:
        """Return a page of deliveries."""
        query = select(*_FOUND).select_from(_JOINED).where(*_deliveries_of(selection))
        return [_found(row) for row in await self._page(query, deliveries, page)]

    async def count_events(self, selection: EventSelection) -> int:
        """Return how many events match, `COUNTED` at most."""
        return await self._count(select(marketing_events.c.id).where(*_events_of(selection)))

    async def count_deliveries(self, selection: DeliverySelection) -> int:
        """Return how many deliveries match, `COUNTED` at most."""
        return await self._count(select(deliveries.c.id).select_from(_JOINED).where(*_deliveries_of(selection)))

    async def audit(self, page: Page, **equal: Any) -> tuple[list[AuditEntry], int]:
        """Return a page of who did what, and how many entries there are, `COUNTED` at most."""
        return await self._plain(AuditEntry, admin_audit, page, equal)

    async def mappings(self, page: Page, **equal: Any) -> tuple[list[StoredMapping], int]:
        """Return a page of mapping versions, and how many there are."""
        return await self._plain(StoredMapping, event_mappings, page, equal)

    async def _plain(self, kind: type[T], table: Table, page: Page, equal: dict[str, Any]) -> tuple[list[T], int]:
        columns = [table.c[name] for name in kind.__annotations__]
        matching = [table.c[name] == value for name, value in equal.items() if value is not None]
        rows = await self._page(select(*columns).where(*matching), table, page)
        found = [kind(**row._asdict()) for row in rows]
        return found, await self._count(select(table.c.id).where(*matching))

    async def _page(self, query: Select[Any], table: Table, page: Page) -> list[Row[Any]]:
        number = table.c.id
        if page.after:
            query = query.where(number < page.after if page.newest else number > page.after)
        ordered = query.order_by(number.desc() if page.newest else number).limit(page.limit).offset(page.skip)
        return list((await self._session.execute(ordered)).all())

    async def _count(self, query: Select[Any]) -> int:
        counted = select(func.count()).select_from(query.limit(COUNTED).subquery())
        return int((await self._session.execute(counted)).scalar_one())


def _events_of(selection: EventSelection) -> list[ColumnElement[bool]]:
    table = marketing_events.c
    narrowed = [
        _equal(table.event_id, selection.event_id),
        _equal(table.storefront_id, selection.storefront_id),
        _equal(table.storefront_code, selection.storefront_code),
        _equal(table.event_type, selection.event_type),
        _equal(table.identity, selection.identity),
        table.status.in_(selection.statuses) if selection.statuses else None,
        table.created_at >= selection.since if selection.since else None,
        table.created_at < selection.until if selection.until else None,
    ]
    return [each for each in narrowed if each is not None]


def _deliveries_of(selection: DeliverySelection) -> list[ColumnElement[bool]]:
    table = deliveries.c
    narrowed = [
        table.id.in_(selection.numbers) if selection.numbers else None,
        table.state.in_(selection.states) if selection.states else None,
        _equal(table.destination_id, selection.destination_id),
        _equal(destinations.c.storefront_id, selection.storefront_id),
        _equal(destinations.c.platform_code, selection.platform_code),
        _equal(table.event_id, selection.event),
        _equal(marketing_events.c.event_id, selection.event_id),
        _equal(marketing_events.c.event_type, selection.event_type),
        table.created_at >= selection.since if selection.since else None,
        table.created_at < selection.until if selection.until else None,
        or_(table.reason.is_(None), ~table.reason.contains(UNCERTAIN)) if selection.is_certain else None,
    ]
    return [each for each in narrowed if each is not None]


def _equal(column: ColumnElement[Any], value: Any) -> ColumnElement[bool] | None:
    return None if value is None else column == value


def _found(row: Row[Any]) -> FoundDelivery:
    delivery = record_of(Delivery, row, prefix="y_")
    destination = record_of(Destination, row, prefix="d_")
    assert delivery
    assert destination
    return FoundDelivery(
        delivery=delivery,
        destination=destination,
        storefront_code=row.storefront_code,
        event_type=row.event_type,
        event_id=row.event_id,
    )
