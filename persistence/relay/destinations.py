"""Where deliveries go: one row for each tagging server and each credential that events are sent to directly."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, literal, or_, select, update

from persistence.relay.rows import columns_of, record_of, records_of
from persistence.session import Session, chunks
from persistence.tables import (
    ad_analytics_platforms,
    deliveries,
    destinations,
    platform_credentials,
    storefront_sgtm_config,
    storefronts,
)
from schemas.clock import Clock
from schemas.relay.records import (
    Credential,
    DeliveryState,
    Destination,
    DestinationKind,
    DestinationView,
    Platform,
    SgtmConfig,
    Storefront,
)
from schemas.relay.selection import Backlog

#: The platform code of a storefront's own tagging server, which has no row among the platforms.
SGTM: Final = "sgtm"

_JOINED: Final = (
    destinations.outerjoin(storefronts, storefronts.c.id == destinations.c.storefront_id)
    .outerjoin(storefront_sgtm_config, storefront_sgtm_config.c.id == destinations.c.sgtm_config_id)
    .outerjoin(platform_credentials, platform_credentials.c.id == destinations.c.credential_id)
    .outerjoin(ad_analytics_platforms, ad_analytics_platforms.c.id == platform_credentials.c.platform_id)
)
_VIEW: Final = [
    *columns_of(Destination, prefix="d_"),
    *columns_of(Storefront, prefix="s_"),
    *columns_of(SgtmConfig, prefix="g_"),
    *columns_of(Credential, prefix="c_"),
    *columns_of(Platform, prefix="p_"),
]
_SGTM_IS_ON: Final = and_(destinations.c.kind == DestinationKind.SGTM, storefront_sgtm_config.c.is_active)
_DIRECT_IS_ON: Final = and_(
    destinations.c.kind == DestinationKind.DIRECT,
    platform_credentials.c.is_active,
    ad_analytics_platforms.c.is_active,
)
_IS_ON: Final = and_(storefronts.c.is_active, or_(_SGTM_IS_ON, _DIRECT_IS_ON))


class Destinations:
    """Destinations by storefront and by what is due to them."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    async def of_storefronts(self, numbers: Collection[int]) -> dict[int, list[Destination]]:
        """Return where the events of these storefronts go; a destination that was never used gets its row now.

        A storefront's tagging server is one destination, whatever number of credentials name it. A credential that
        is direct is one more. Switched off or not makes no difference: deliveries are made, and held.
        """
        await self._make_missing(sorted(set(numbers)))
        found: dict[int, list[Destination]] = {number: [] for number in numbers}
        for chunk in chunks(sorted(set(numbers))):
            rows = (await self._session.execute(_configured(chunk))).all()
            for each in records_of(Destination, rows):
                found[each.storefront_id].append(each)
        return found

    async def get(self, number: int) -> DestinationView | None:
        """Return a destination beside its configuration as it is now."""
        found = await self.views([number])
        return found[0] if found else None

    async def views(self, numbers: Collection[int]) -> list[DestinationView]:
        """Return destinations beside their configuration as it is now, in order of number."""
        found: list[DestinationView] = []
        for chunk in chunks(sorted(set(numbers))):
            query = select(*_VIEW).select_from(_JOINED).where(destinations.c.id.in_(chunk)).order_by(destinations.c.id)
            found += [_view(row) for row in (await self._session.execute(query)).all()]
        return found

    async def listed(self, *, skip: int, limit: int, **equal: Any) -> tuple[list[DestinationView], int]:
        """Return a page in order of number, and how many there are in all; `equal` are columns with their values."""
        matching = [destinations.c[name] == value for name, value in equal.items() if value is not None]
        page = select(*_VIEW).select_from(_JOINED).where(*matching).order_by(destinations.c.id)
        rows = (await self._session.execute(page.offset(skip).limit(limit))).all()
        counted = select(func.count()).select_from(destinations).where(*matching)
        return [_view(row) for row in rows], (await self._session.execute(counted)).scalar_one()

    async def due(self, now: datetime, limit: int) -> list[int]:
        """Return destinations to which something is due, that are on, not paused and not woken already."""
        free = and_(
            _is_over(destinations.c.paused_until, now),
            _is_over(destinations.c.woken_until, now),
        )
        due = select(destinations.c.id).select_from(_JOINED).where(_IS_ON, free, _has_due(now))
        return list((await self._session.execute(due.order_by(destinations.c.id).limit(limit))).scalars())

    async def backlogs(self, now: datetime) -> list[Backlog]:
        """Return what every destination has before it, each with two looks into an index."""
        mine = deliveries.c.destination_id == destinations.c.id
        waits = deliveries.c.state.in_((DeliveryState.PENDING, DeliveryState.SENDING))
        waiting = select(func.count()).select_from(deliveries).where(mine, waits).scalar_subquery()
        pending = and_(mine, deliveries.c.state == DeliveryState.PENDING)
        oldest = select(func.min(deliveries.c.next_attempt_at)).where(pending).scalar_subquery()
        may_send = and_(_IS_ON, _is_over(destinations.c.paused_until, now))
        query = select(
            destinations.c.platform_code,
            destinations.c.paused_until,
            waiting.label("waiting"),
            case((may_send, oldest)).label("due_since"),
        )
        rows = (await self._session.execute(query.select_from(_JOINED))).all()
        return [Backlog(**row._asdict()) for row in rows]

    async def wake(self, numbers: Sequence[int], until: datetime | None) -> None:
        """Note that a wake-up is on its way, so that no other is sent before `until`; None takes the note back."""
        for chunk in chunks(sorted(numbers)):
            await self._session.execute(
                destinations.update().where(destinations.c.id.in_(chunk)).values(woken_until=until)
            )

    async def pause(self, number: int, until: datetime, reason: str, failures: int) -> None:
        """Hold everything to this destination until then."""
        await self._change(number, paused_until=until, paused_reason=reason, failures=failures)

    async def resume(self, number: int) -> None:
        """Let everything to this destination go on."""
        await self._change(number, paused_until=None, paused_reason=None, failures=0)

    async def count_failure(self, number: int) -> int:
        """Count one more failure in a row and return how many there are now."""
        failures = destinations.c.failures
        await self._change(number, failures=failures + 1)
        counted: int = (await self._session.execute(select(failures).where(destinations.c.id == number))).scalar_one()
        return counted

    async def resume_all_of(self, **equal: Any) -> None:
        """Let the destinations with these column values go on, because their configuration has changed."""
        whose = and_(*(destinations.c[name] == value for name, value in equal.items()))
        freed = {"paused_until": None, "paused_reason": None, "failures": 0, "updated_at": self._clock()}
        await self._session.execute(destinations.update().where(whose).values(**freed))

    async def _change(self, number: int, **values: Any) -> None:
        changed = update(destinations).where(destinations.c.id == number)
        await self._session.execute(changed.values(**values, updated_at=self._clock()))

    async def _make_missing(self, numbers: Sequence[int]) -> None:
        for chunk in chunks(numbers):
            for query in (_new_sgtm(chunk), _new_direct(chunk)):
                for row in (await self._session.execute(query)).all():
                    now = self._clock()
                    values = {**row._mapping, "created_at": now, "updated_at": now}  # noqa: SLF001  SQLAlchemy's public name for it
                    await self._session.execute(destinations.insert().values(**values))


def _view(row: Row[Any]) -> DestinationView:
    destination = record_of(Destination, row, prefix="d_")
    assert destination is not None
    return DestinationView(
        destination=destination,
        storefront=record_of(Storefront, row, prefix="s_"),
        sgtm_config=record_of(SgtmConfig, row, prefix="g_"),
        credential=record_of(Credential, row, prefix="c_"),
        platform=record_of(Platform, row, prefix="p_"),
    )


def _is_over(column: ColumnElement[Any], now: datetime) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= now)


def _has_due(now: datetime) -> ColumnElement[bool]:
    """Tell whether a destination has a delivery that is due, or one whose sender has died.

    Asked destination by destination, each answer is one look into an index, however many deliveries are held elsewhere.
    """
    mine = deliveries.c.destination_id == destinations.c.id
    waiting = exists().where(mine, deliveries.c.state == DeliveryState.PENDING, deliveries.c.next_attempt_at <= now)
    left = exists().where(mine, deliveries.c.state == DeliveryState.SENDING, deliveries.c.claimed_until <= now)
    return or_(waiting, left)


def _configured(numbers: Sequence[int]) -> Select[Any]:
    direct = and_(
        destinations.c.kind == DestinationKind.DIRECT,
        platform_credentials.c.destination_type == DestinationKind.DIRECT,
    )
    is_configured = or_(storefront_sgtm_config.c.id.is_not(None), direct)
    query = select(*columns_of(Destination)).select_from(_JOINED)
    return query.where(destinations.c.storefront_id.in_(numbers), is_configured).order_by(destinations.c.id)


def _new_sgtm(numbers: Sequence[int]) -> Select[Any]:
    config = storefront_sgtm_config
    known = exists().where(destinations.c.sgtm_config_id == config.c.id)
    return select(
        config.c.storefront_id,
        _literal(DestinationKind.SGTM, "kind"),
        config.c.id.label("sgtm_config_id"),
        _literal(SGTM, "platform_code"),
    ).where(config.c.storefront_id.in_(numbers), ~known)


def _new_direct(numbers: Sequence[int]) -> Select[Any]:
    credential, platform = platform_credentials, ad_analytics_platforms
    known = exists().where(destinations.c.credential_id == credential.c.id)
    return (
        select(
            credential.c.storefront_id,
            _literal(DestinationKind.DIRECT, "kind"),
            credential.c.id.label("credential_id"),
            platform.c.platform_code,
        )
        .join(platform, platform.c.id == credential.c.platform_id)
        .where(
            credential.c.storefront_id.in_(numbers),
            credential.c.destination_type == DestinationKind.DIRECT,
            ~known,
        )
    )


def _literal(value: str, name: str) -> Any:
    return literal(str(value)).label(name)


#: How long a wake-up is given before another is sent for the same destination.
WOKEN_FOR: Final = timedelta(seconds=5)
