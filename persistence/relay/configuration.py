"""What operators configure: storefronts, tagging servers, platforms, credentials and mappings."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Select, func, or_, select

from persistence.relay.rows import TABLES, columns_of, record_of, records_of
from persistence.session import Session, chunks
from persistence.tables import (
    ad_analytics_platforms,
    admin_audit,
    event_mappings,
    platform_credentials,
    storefronts,
)
from schemas.clock import Clock
from schemas.relay.records import Credential, Platform, SgtmConfig, Storefront

T = TypeVar("T", Storefront, SgtmConfig, Platform, Credential)

#: Never written by a change: who it is, and when it came to be.
_FIXED: Final = frozenset({"id", "created_at", "updated_at"})


class Resource(Generic[T]):
    """One configured thing: listed in order of number, read, added, changed and removed by it.

    Adding what breaks a unique key is a Conflict; look first, and look again after a Conflict to tell what it was.
    """

    def __init__(self, kind: type[T], session: Session, clock: Clock) -> None:
        self._kind: type[T] = kind
        self._table = TABLES[kind]
        self._session = session
        self._clock = clock

    async def listed(self, *, skip: int, limit: int, **equal: Any) -> tuple[list[T], int]:
        """Return a page in order of number, and how many there are in all; `equal` are columns with their values."""
        matching = [self._table.c[name] == value for name, value in equal.items() if value is not None]
        page = select(*columns_of(self._kind)).where(*matching).order_by(self._table.c.id).offset(skip).limit(limit)
        rows = (await self._session.execute(page)).all()
        counted = select(func.count()).select_from(self._table).where(*matching)
        return records_of(self._kind, rows), (await self._session.execute(counted)).scalar_one()

    async def get(self, number: int, *, for_update: bool = False) -> T | None:
        """Return one, or None."""
        return await self._one(select(*columns_of(self._kind)).where(self._table.c.id == number), for_update=for_update)

    async def find(self, **equal: Any) -> T | None:
        """Return the one with these values in unique columns, or None."""
        matching = [self._table.c[name] == value for name, value in equal.items()]
        return await self._one(select(*columns_of(self._kind)).where(*matching).limit(1))

    async def add(self, values: Mapping[str, Any]) -> T:
        """Insert one and return it as stored."""
        now = self._clock()
        insert = self._table.insert().values(**values, created_at=now, updated_at=now)
        number = (await self._session.execute(insert)).inserted_primary_key
        assert number is not None
        added = await self.get(number[0])
        assert added is not None
        return added

    async def change(self, number: int, values: Mapping[str, Any]) -> T | None:
        """Write some columns of one and return it as stored, or None if there is none."""
        wanted = {name: value for name, value in values.items() if name not in _FIXED}
        update = self._table.update().where(self._table.c.id == number).values(**wanted, updated_at=self._clock())
        await self._session.execute(update)
        return await self.get(number)

    async def remove(self, number: int) -> bool:
        """Delete one; what happened under it stays on record."""
        return await self.remove_all(id=number) > 0

    async def remove_all(self, **equal: Any) -> int:
        """Delete those with these column values and return how many they were."""
        matching = [self._table.c[name] == value for name, value in equal.items()]
        return (await self._session.execute(self._table.delete().where(*matching))).rowcount

    async def _one(self, query: Select[Any], *, for_update: bool = False) -> T | None:
        row = (await self._session.execute(query.with_for_update() if for_update else query)).first()
        return record_of(self._kind, row) if row is not None else None


class Configuration:
    """Everything that operators configure, and the record of who did."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self.storefronts = Resource(Storefront, session, clock)
        self.sgtm_configs = Resource(SgtmConfig, session, clock)
        self.platforms = Resource(Platform, session, clock)
        self.credentials = Resource(Credential, session, clock)

    async def storefronts_by_code(self, codes: Collection[str]) -> dict[str, Storefront]:
        """Return the storefronts that have these codes."""
        found: dict[str, Storefront] = {}
        for chunk in chunks(sorted(set(codes))):
            query = select(*columns_of(Storefront)).where(storefronts.c.storefront_id.in_(chunk))
            rows = (await self._session.execute(query)).all()
            found |= {each.storefront_id: each for each in records_of(Storefront, rows)}
        return found

    async def storefronts_by_number(self, numbers: Collection[int]) -> dict[int, Storefront]:
        """Return the storefronts that have these numbers."""
        found: dict[int, Storefront] = {}
        for chunk in chunks(sorted(set(numbers))):
            query = select(*columns_of(Storefront)).where(storefronts.c.id.in_(chunk))
            rows = (await self._session.execute(query)).all()
            found |= {each.id: each for each in records_of(Storefront, rows)}
        return found

    async def platforms_by_code(self) -> dict[str, Platform]:
        """Return every platform by its code."""
        query = select(*columns_of(Platform)).order_by(ad_analytics_platforms.c.id)
        rows = (await self._session.execute(query)).all()
        return {each.platform_code: each for each in records_of(Platform, rows)}

    async def stamp(self, credential_id: int, used_at: datetime | None, error: str | None) -> None:
        """Note when a credential was last of use, and what last went wrong with it; being of use clears that."""
        values = {"last_used_at": used_at, "last_error": error} if used_at else {"last_error": error}
        if used_at or error:
            mine = platform_credentials.update().where(platform_credentials.c.id == credential_id)
            await self._session.execute(mine.values(**values))

    async def mapping(self, storefront_id: int, platform_code: str) -> dict[str, Any] | None:
        """Return the newest active mapping of a platform: the storefront's own, else the one of all; None if none."""
        table = event_mappings
        mine = or_(table.c.storefront_id == storefront_id, table.c.storefront_id.is_(None))
        newest = (
            select(table.c.mapping, table.c.version)
            .where(table.c.platform_code == platform_code, table.c.is_active, mine)
            .order_by(table.c.storefront_id.is_(None), table.c.version.desc())
            .limit(1)
        )
        row = (await self._session.execute(newest)).first()
        return {**row.mapping, "version": row.version} if row is not None else None

    async def add_mapping(self, storefront_id: int | None, platform_code: str, mapping: dict[str, Any]) -> int:
        """Store the next version of a mapping and return its number; older versions stay, for the record."""
        table = event_mappings
        whose = table.c.storefront_id.is_(None) if storefront_id is None else table.c.storefront_id == storefront_id
        known = select(func.max(table.c.version)).where(table.c.platform_code == platform_code, whose)
        # 1 is the mapping that comes with the adapter.
        version: int = ((await self._session.execute(known)).scalar_one_or_none() or 1) + 1
        now = self._clock()
        await self._session.execute(
            table.insert().values(
                storefront_id=storefront_id,
                platform_code=platform_code,
                version=version,
                mapping=mapping,
                created_at=now,
                updated_at=now,
            )
        )
        return version

    async def audit(self, who: str, role: str, action: str, resource: str, number: str | None, **details: Any) -> None:
        """Remember who did what to which resource; never with a secret among the details."""
        entry = {"who": who, "role": role, "action": action, "resource": resource, "resource_id": number}
        await self._session.execute(admin_audit.insert().values(at=self._clock(), details=details or None, **entry))


def values_of(record: Storefront | SgtmConfig | Platform | Credential) -> dict[str, Any]:
    """Return the columns of a record that may be written."""
    return {name: value for name, value in asdict(record).items() if name not in _FIXED}
