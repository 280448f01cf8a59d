"""What is known of creators, campaigns and products, and what their crawls saw."""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import select

from persistence.dialect import Bulk, paths_of
from persistence.keyed import KEYS, Keyed
from persistence.session import Session
from persistence.tables import campaigns, creator_crawl_logs, creators, products
from schemas.creators.fields import CAMPAIGN_FACTS, CREATOR_FACTS, PRODUCT_FACTS
from schemas.creators.records import Campaign, Creator, CreatorCrawlLog, Product

_CREATOR: Final = paths_of(creators)
_MODIFIED: Final = ("last_modifier_id", "last_modification_time")
#: What tells a value from what stands in for one is of no use beside a row that says what it says.
_NOT_LOGGED: Final = ("has_username", "has_display_name", "has_currency", "connected", "replied")
_NOT_CRAWLED: Final = (
    "product_name_cn",
    "product_category_name",
    "partner_rate",
    "creator_rate",
    "cost_product",
    "affiliate_link",
    "product_link",
    "selling_point",
    "selling_point_cn",
    "shooting_guide",
    "shooting_guide_cn",
    "examples",
)

UPSERT_CREATORS: Final = Bulk(
    table=creators,
    paths=_CREATOR,
    key=("id",),
    replace=_MODIFIED,
    merge=tuple(name for name in CREATOR_FACTS if name != "currency"),
    known={
        "platform_creator_username": "has_username",
        "platform_creator_display_name": "has_display_name",
        "currency": "has_currency",
    },
    weakest={
        "platform_creator_username": "platform_creator_id",
        "platform_creator_display_name": "platform_creator_id",
    },
    most=("connected", "replied"),
    newest="observed_at",
)
LOG_CREATORS: Final = Bulk(
    table=creator_crawl_logs,
    paths=paths_of(creator_crawl_logs)
    | {name: f"creator.{name}" for name in _CREATOR if name != "id" and name not in _NOT_LOGGED},
)
UPSERT_CAMPAIGNS: Final = Bulk(
    table=campaigns,
    paths=paths_of(campaigns),
    key=("platform_campaign_id", "shop_key"),
    replace=_MODIFIED,
    merge=CAMPAIGN_FACTS,
    known={"region": "has_region"},
    newest="observed_at",
)
UPSERT_PRODUCTS: Final = Bulk(
    table=products,
    paths=paths_of(products, leave_out=_NOT_CRAWLED),
    key=("platform_campaign_id", "platform_product_id"),
    replace=_MODIFIED,
    merge=PRODUCT_FACTS,
    known={"region": "has_region"},
    newest="observed_at",
)


class Shown(NamedTuple):
    """What a creator's chat has shown so far, as crawls saw it."""

    connected: bool
    replied: bool


_SHOWN: Final = Keyed(
    select(creators.c.platform_creator_id, creators.c.platform, creators.c.connected, creators.c.replied).where(
        creators.c.id.in_(KEYS)
    )
)
_NOTE_REPLY: Final = Keyed(creators.update().where(creators.c.id.in_(KEYS)).values(connected=True, replied=True))


class Creators:
    """Creators by platform and id, and the append-only log of their crawls."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def upsert(self, seen: Sequence[Creator]) -> None:
        """Write what was seen: the newest observation of a fact wins, and what is not mentioned erases nothing."""
        await self._session.write(UPSERT_CREATORS, sorted(seen, key=lambda each: (each.id, each.observed_at)))

    async def log(self, entries: Sequence[CreatorCrawlLog]) -> None:
        """Append what a crawl saw of creators."""
        await self._session.write(LOG_CREATORS, entries)

    async def shown(self, ids: Collection[str]) -> dict[tuple[str, str], Shown]:
        """Return what is known of the chats of creators, by platform and platform id; those unknown are left out."""
        rows = await self._session.read(_SHOWN, sorted(set(ids)))
        return {(row[1], row[0]): Shown(connected=bool(row[2]), replied=bool(row[3])) for row in rows}

    async def note_reply(self, ids: Collection[str]) -> None:
        """Note of creators that their chat shows an answer; those unknown are left out."""
        await self._session.change(_NOTE_REPLY, sorted(ids))


class Campaigns:
    """Campaigns by id and shop, and their products."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def upsert(self, seen: Sequence[Campaign]) -> None:
        """Write what was seen of campaigns, the newest observation first in rank."""
        order = sorted(seen, key=lambda each: (each.platform_campaign_id, each.shop_key, each.observed_at))
        await self._session.write(UPSERT_CAMPAIGNS, order)

    async def upsert_products(self, seen: Sequence[Product]) -> None:
        """Write what was seen of campaigns' products, the newest observation first in rank."""
        order = sorted(seen, key=lambda each: (each.platform_campaign_id, each.platform_product_id, each.observed_at))
        await self._session.write(UPSERT_PRODUCTS, order)
