"""What is for sale: brought up to date from a file, looked for by what a customer wishes, told with the live hold."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, func, or_, select

from persistence.dialect import Bulk
from persistence.keyed import KEYS, Keyed
from persistence.replies.matching import cost_of
from persistence.replies.rows import columns_of, made, record_of, values_of
from persistence.session import Session, chunks
from persistence.tables import inventory, order_items, reservations
from schemas.replies.sizes import ShoeSize, size_tokens
from schemas.replies.stock import Category, Hold, HoldState, Item, ItemStatus, StockView
from schemas.replies.wishes import Wish
from schemas.replies.words import padded, words_of

#: So many pieces are compared word by word, the newest first: some milliseconds, and more than such a shop has.
COMPARED: Final = 2000
#: More than that nobody reads in a chat.
SHOWN: Final = 5

#: What an import leaves alone: who it is, and what has happened to it.
_FIXED: Final = ("id", "created_at", "status", "version")
#: What says nothing new about a piece.
_UNREMARKABLE: Final = (*_FIXED, "updated_at")


@dataclass(frozen=True, slots=True)
class Stored:
    """A piece beside what it is found by."""

    item: Item
    size_tokens: str
    search_text: str


SAVE: Final = Bulk(
    table=inventory,
    paths={name: f"item.{name}" for name in Item.__slots__ if name != "id"}
    | {"size_tokens": "size_tokens", "search_text": "search_text"},
    key=("sku",),
    replace=(
        *(name for name in Item.__slots__ if name not in (*_FIXED, "sku")),
        "size_tokens",
        "search_text",
        "version",
    ),
)


#: Pieces with the hold that is live on each; one that has expired is none, whoever has noticed.
_VIEWED: Final = select(*columns_of(Item, prefix="i_"), *columns_of(Hold, prefix="h_")).select_from(
    inventory.outerjoin(
        reservations,
        and_(reservations.c.held_inventory_id == inventory.c.id, reservations.c.expires_at > bindparam("now")),
    )
)
_COLUMNS: Final = len(columns_of(Item))
_FIND: Final = Keyed(_VIEWED.where(inventory.c.sku == bindparam("sku")))
_BY_NUMBER: Final = Keyed(_VIEWED.where(inventory.c.id.in_(KEYS)))
_NEWEST: Final = Keyed(
    _VIEWED.where(
        inventory.c.status == ItemStatus.AVAILABLE,
        or_(reservations.c.id.is_(None), reservations.c.user_id == bindparam("user")),
    )
    .order_by(inventory.c.created_at.desc(), inventory.c.id)
    .limit(bindparam("most", type_=Integer))
)
#: What is compared with words; the rest of a piece is read of the best alone.
_COMPARED: Final = _VIEWED.with_only_columns(inventory.c.id, inventory.c.search_text).order_by(
    inventory.c.created_at.desc(), inventory.c.id
)


@dataclass(frozen=True, slots=True)
class Imported:
    """How many pieces an import met as new, changed, and as they were."""

    added: int
    changed: int
    unchanged: int


class Stock:
    """Pieces by SKU and by wish."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def put(self, items: Sequence[Item]) -> Imported:
        """Add pieces and change what is said of known ones; what was sold or reserved stays so."""
        known: dict[str, Item] = {}
        for chunk in chunks(sorted({each.sku for each in items})):
            found = select(*columns_of(Item)).where(inventory.c.sku.in_(chunk)).with_for_update()
            known |= {row.sku: record_of(Item, row) for row in await self._session.execute(found)}
        new = [each for each in items if each.sku not in known]
        changed = [
            replace(each, version=known[each.sku].version + 1)
            for each in items
            if each.sku in known and _said(each) != _said(known[each.sku])
        ]
        await self._session.write(SAVE, [_stored(each) for each in (*new, *changed)])
        return Imported(len(new), len(changed), len(items) - len(new) - len(changed))

    async def find(self, sku: str, now: datetime) -> StockView | None:
        """Return a piece as it stands, whatever its status; None where there is none of that SKU."""
        rows = await self._session.rows(_FIND, sku=sku.strip().upper(), now=now)
        return _view(rows[0]) if rows else None

    async def by_number(self, numbers: Collection[int], now: datetime) -> dict[int, StockView]:
        """Return pieces as they stand, by number."""
        views = map(_view, await self._session.read(_BY_NUMBER, sorted(set(numbers)), now=now))
        return {each.item.id: each for each in views if each.item.id is not None}

    async def search(
        self, wish: Wish, now: datetime, *, user_id: str | None = None, limit: int = SHOWN
    ) -> list[StockView]:
        """Return what a customer can have now and what answers the wish, best first, then newest; never all of it.

        An empty wish is answered with what is newest. What is held for somebody else is not there.
        """
        if wish.is_empty:
            rows = await self._session.rows(_NEWEST, now=now, user=user_id, most=limit)
            return [_view(row) for row in rows]
        able = (*_filters(wish), _can_have(user_id))
        if not wish.words:
            newest = _VIEWED.where(*able).order_by(inventory.c.created_at.desc(), inventory.c.id)
            return await self._read(newest.limit(limit), now)
        compared = await self._session.execute(_COMPARED.where(*able).limit(COMPARED), {"now": now})
        costs = {row.id: cost_of(wish.words, row.search_text) for row in compared}
        best = sorted((number for number, cost in costs.items() if cost is not None), key=lambda each: costs[each] or 0)
        views = await self.by_number(best[:limit], now)
        # Between the two statements another customer may have been quicker.
        return [views[each] for each in best[:limit] if views[each].status_for(user_id) is ItemStatus.AVAILABLE]

    async def count_available(self, now: datetime) -> int:
        """Return how many pieces anybody can have now."""
        able = _VIEWED.where(_can_have(None)).with_only_columns(func.count(inventory.c.id))
        return int((await self._session.execute(able, {"now": now})).scalar_one())

    async def listed(
        self, now: datetime, *, limit: int, skip: int = 0, status: ItemStatus | None = None
    ) -> list[StockView]:
        """Return a page of pieces in order of SKU, for operators."""
        query = _VIEWED.order_by(inventory.c.sku)
        if status is not None:
            query = query.where(inventory.c.status == status)
        return await self._read(query.limit(limit).offset(skip), now)

    async def count(self, status: ItemStatus | None = None) -> int:
        """Return how many pieces there are."""
        counted = select(func.count()).select_from(inventory)
        if status is not None:
            counted = counted.where(inventory.c.status == status)
        return int((await self._session.execute(counted)).scalar_one())

    async def mark(self, sku: str, status: ItemStatus, now: datetime) -> bool | None:
        """Say as an operator that a piece was sold over the counter, put aside, or is there again.

        None where there is no such piece; false where an order that is not cancelled has it: move the order instead. A
        hold on it is given up.
        """
        row = (
            await self._session.execute(select(inventory.c.id).where(inventory.c.sku == sku).with_for_update())
        ).first()
        if row is None:
            return None
        ordered = select(order_items.c.id).where(order_items.c.live_inventory_id == row.id)
        if (await self._session.execute(ordered)).first() is not None:
            return False
        freed = reservations.update().where(reservations.c.held_inventory_id == row.id)
        given_up = {"state": HoldState.RELEASED, "held_inventory_id": None, "updated_at": now}
        await self._session.execute(freed.values(**given_up))
        marked = inventory.update().where(inventory.c.id == row.id)
        await self._session.execute(marked.values(status=status, updated_at=now))
        return True

    async def _read(self, query: Select[Any], now: datetime) -> list[StockView]:
        return [_view(row) for row in await self._session.execute(query, {"now": now})]


def _view(row: Sequence[Any]) -> StockView:
    item, hold = row[:_COLUMNS], row[_COLUMNS:]
    # An outer join that found nothing has no number, which is the last of a record.
    return StockView(made(Item, item), made(Hold, hold) if hold[-1] is not None else None)


def _can_have(user_id: str | None) -> ColumnElement[bool]:
    is_free: ColumnElement[bool] = reservations.c.id.is_(None)
    if user_id is not None:
        is_free = or_(is_free, reservations.c.user_id == user_id)
    return and_(inventory.c.status == ItemStatus.AVAILABLE, is_free)


def _filters(wish: Wish) -> list[ColumnElement[bool]]:
    table = inventory.c
    found = [
        table.sku == wish.sku.strip().upper() if wish.sku else None,
        table.category == wish.category if wish.category else None,
        table.tier == wish.tier if wish.tier else None,
        func.lower(table.brand) == wish.brand.lower() if wish.brand else None,
        table.price_kes >= wish.min_price if wish.min_price is not None else None,
        table.price_kes <= wish.max_price if wish.max_price is not None else None,
        # Every token stands between spaces, so that L is not found in XL; what SQL reads as a wildcard is escaped.
        table.size_tokens.contains(f" {wish.tag_size.lower()} ", autoescape=True) if wish.tag_size else None,
        _of_shoe(wish.shoe_size) if wish.shoe_size else None,
        *(table[each.name].between(each.low, each.high) for each in wish.measures),
    ]
    return [each for each in found if each is not None]


def _of_shoe(size: ShoeSize) -> ColumnElement[bool]:
    columns: Mapping[str | None, tuple[ColumnElement[Any], ...]] = {
        "US": (inventory.c.us_size,),
        "UK": (inventory.c.uk_size,),
        "CM": (inventory.c.cm,),
        None: (inventory.c.us_size, inventory.c.uk_size, inventory.c.cm),
    }
    return or_(*(column == size.number for column in columns[size.system]))


def _stored(item: Item) -> Stored:
    kind = "shoes" if item.category is Category.SHOES else "clothes"
    said = (item.sku, item.name, item.brand or "", item.description or "", kind)
    return Stored(item, padded(size_tokens(item.tag_size)), padded(words_of(" ".join(said))))


def _said(item: Item) -> dict[str, Any]:
    return values_of(item, leave_out=_UNREMARKABLE)
