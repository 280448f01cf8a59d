"""What is for sale, and how it is found, on every database."""

from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.verdict import Reject
from persistence.replies.stock import Imported
from persistence.uow import Uow
from schemas.replies.sizes import ShoeSize
from schemas.replies.stock import Category, ItemStatus, OrderStatus, Tier
from schemas.replies.wishes import Measured, Wish, wish_of
from tests.build.records import EVERY_SCRIPT, NOON
from tests.build.replies import CUSTOMER, item, later, seed, shop, user


@pytest.fixture
async def full(uow: Uow) -> Uow:
    """A database with the forty pieces of the example."""
    async with uow() as tx:
        await tx.stock.put(seed())
        await tx.people.seen([user()])
    return uow


async def found(uow: Uow, wish: str | Wish, user_id: str | None = None) -> list[str]:
    async with uow() as tx:
        wanted = wish_of(wish) if isinstance(wish, str) else wish
        return [each.item.sku for each in await tx.stock.search(wanted, later(1), user_id=user_id)]


@pytest.mark.parametrize(
    ("text", "skus"),
    [
        ("th-p-001", ["TH-P-001"]),
        ("Is TH-P-001 still there?", ["TH-P-001"]),
        ("size L jacket", ["TH-M-003", "TH-P-001", "TH-P-004"]),
        ("US 10 shoes", ["TH-M-012", "TH-P-008"]),
        ("uk 8 boots", ["TH-M-011"]),
        ("shoes 28.5 cm", ["TH-M-013"]),
        ("any size 7 sandals?", ["TH-B-015"]),
        ("coat blue", ["TH-P-002"]),
        ("jaket denm", ["TH-M-002"]),
        ("barbuor", ["TH-P-003"]),
        ("nataka koti ya bluu", ["TH-P-002"]),
        ("501s", ["TH-M-001"]),
        ("jackets under 3,000", []),
        ("jackets under 3.5k", ["TH-M-002", "TH-M-003"]),
        ("waist 32", ["TH-B-009", "TH-M-001"]),
        ("W32 jeans", ["TH-M-001"]),
        ("spaceship", []),
    ],
)
async def test_what_customers_write_finds_the_pieces_that_they_mean(full: Uow, text: str, skus: list[str]) -> None:
    assert sorted(await found(full, text)) == skus


async def test_a_measure_finds_what_lies_between_its_bounds(full: Uow) -> None:
    async with full() as tx:
        views = await tx.stock.search(wish_of("pit to pit 23-25"), later(1), limit=40)
    by_hand = sorted(each.sku for each in seed() if each.pit_to_pit and 23 <= each.pit_to_pit <= 25)
    assert sorted(each.item.sku for each in views) == by_hand
    assert "TH-P-001" in by_hand


async def test_a_label_of_l_never_finds_an_xl(full: Uow) -> None:
    async with full() as tx:
        views = await tx.stock.search(Wish(tag_size="l"), later(1), limit=40)
    assert {each.item.tag_size for each in views} == {"L"}
    assert len(views) == sum(each.tag_size == "L" for each in seed())


@pytest.mark.parametrize("text", ["%", "_", "", "   ", "'; DROP TABLE inventory; --", "\\", "hi there"])
async def test_nothing_dumps_the_stock(full: Uow, text: str) -> None:
    assert len(await found(full, text)) <= 5


@pytest.mark.parametrize("tag", ["%", "_", "l%", "\\", "'"])
async def test_a_wildcard_in_a_size_is_a_character(full: Uow, tag: str) -> None:
    assert await found(full, Wish(tag_size=tag)) == []


async def test_every_filter_of_a_wish_must_hold(full: Uow) -> None:
    wish = Wish(category=Category.CLOTHES, tier=Tier.PREMIUM, brand="carhartt", min_price=9500, max_price=9500)
    assert await found(full, wish) == ["TH-P-001"]
    for narrower in (
        replace(wish, tier=Tier.BUDGET),
        replace(wish, max_price=9499),
        replace(wish, min_price=9501),
        replace(wish, category=Category.SHOES),
        replace(wish, measures=(Measured("waist", Decimal(1), Decimal(99)),)),
        replace(wish, shoe_size=ShoeSize(Decimal(10), None)),
        replace(wish, words=("carhartt", "spaceship")),
    ):
        assert await found(full, narrower) == []


async def test_nothing_wished_for_is_answered_with_the_newest_five(full: Uow) -> None:
    async with full() as tx:
        await tx.stock.put([item(f"TH-B-10{number}", created_at=later(-60 + number)) for number in range(3)])
    assert await found(full, "what's new?") == ["TH-B-001", "TH-B-002", "TH-B-003", "TH-B-004", "TH-B-005"]
    async with full() as tx:
        await tx.stock.put([item(f"TH-B-20{number}", created_at=later(number / 10)) for number in range(6)])
    assert await found(full, "") == ["TH-B-205", "TH-B-204", "TH-B-203", "TH-B-202", "TH-B-201"]


async def test_what_is_meant_exactly_comes_before_what_is_spelt_alike(full: Uow) -> None:
    async with full() as tx:
        names = {"TH-B-301": "Suede Parka", "TH-B-302": "Sueded Parka", "TH-B-303": "Suade Parka"}
        await tx.stock.put([item(sku, name=name, created_at=NOON) for sku, name in names.items()])
    assert await found(full, "suede parka") == ["TH-B-301", "TH-B-302", "TH-B-303"]


async def test_what_is_sold_reserved_or_held_for_another_is_not_found(full: Uow) -> None:
    (other,) = await shop(full)
    async with full() as tx:
        await tx.holds.hold(other, None, "TH-M-012", NOON)
        assert await tx.stock.mark("TH-P-008", ItemStatus.SOLD, NOON) is True
        assert await tx.stock.count_available(later(1)) == 38
    assert await found(full, "US 10 shoes") == []
    assert await found(full, "US 10 shoes", other) == ["TH-M-012"]
    async with full() as tx:
        view = await tx.stock.find("th-m-012 ", later(1))
        assert view
        assert (view.status_for(None), view.status_for(CUSTOMER), view.status_for(other)) == (
            ItemStatus.RESERVED,
            ItemStatus.RESERVED,
            ItemStatus.AVAILABLE,
        )
        assert view.is_held_by(other)
        late = await tx.stock.find("TH-M-012", later(30))
        assert late
        assert late.status_for(None) is ItemStatus.AVAILABLE
        sold = await tx.stock.find("TH-P-008", later(1))
        assert sold
        assert sold.status_for(None) is ItemStatus.SOLD
        assert await tx.stock.find("TH-X-999", later(1)) is None


async def test_importing_again_changes_what_is_said_and_never_what_has_happened(uow: Uow) -> None:
    (one,) = await shop(uow)
    async with uow() as tx:
        assert await tx.stock.put(seed()) == Imported(40, 0, 0)
        assert await tx.stock.put(seed()) == Imported(0, 0, 40)
        await tx.stock.mark("TH-P-001", ItemStatus.SOLD, NOON)
        await tx.holds.hold(one, None, "TH-P-002", NOON)
        changed = [replace(each, price_kes=each.price_kes + 1, created_at=later(9)) for each in seed()[:35]]
        assert await tx.stock.put(changed) == Imported(0, 35, 0)
        view = await tx.stock.find("TH-P-001", NOON)
        assert view
        assert (view.item.price_kes, view.item.status, view.item.version) == (9501, ItemStatus.SOLD, 2)
        assert view.item.created_at == NOON
        held = await tx.stock.find("TH-P-002", NOON)
        assert held
        assert held.is_held_by(one)


async def test_every_column_of_a_piece_comes_back_as_it_went_in(uow: Uow) -> None:
    full = item(
        name=EVERY_SCRIPT.strip(),
        description=EVERY_SCRIPT,
        measurements={"pit_to_pit": "24in", "waist": EVERY_SCRIPT},
        shoulder_to_hem=Decimal("25.25"),
        waist=Decimal("0.01"),
        length=Decimal("199.99"),
        sleeve_length=Decimal("1.50"),
        us_size=Decimal("10.50"),
        uk_size=Decimal("9.50"),
        cm=Decimal("28.00"),
        image_url="https://example.com/a.jpg",
    )
    async with uow() as tx:
        await tx.stock.put([full])
        view = await tx.stock.find(full.sku, NOON)
        assert view
        assert replace(view.item, id=None) == full


async def test_a_piece_without_a_price_that_can_be_or_of_no_known_kind_is_refused(uow: Uow) -> None:
    for bad in (item(price_kes=-1), item(category="HATS")):
        with pytest.raises(Reject):
            async with uow() as tx:
                await tx.stock.put([bad])


async def test_an_operator_cannot_sell_over_the_counter_what_was_ordered(full: Uow) -> None:
    async with full() as tx:
        await tx.holds.hold(CUSTOMER, None, "TH-P-001", NOON)
        order = await tx.orders.from_holds(CUSTOMER, None, ["TH-P-001"], later(1))
        assert order
        assert await tx.stock.mark("TH-P-001", ItemStatus.SOLD, later(2)) is False
        await tx.orders.move(order.order.code, OrderStatus.CANCELLED, who="ann", now=later(3))
        assert await tx.stock.mark("TH-P-001", ItemStatus.SOLD, later(4)) is True
        assert await tx.stock.mark("TH-X-001", ItemStatus.SOLD, later(4)) is None


async def test_what_is_sold_over_the_counter_is_held_for_nobody(full: Uow) -> None:
    async with full() as tx:
        await tx.holds.hold(CUSTOMER, None, "TH-P-001", NOON)
        await tx.stock.mark("TH-P-001", ItemStatus.SOLD, later(1))
        assert await tx.holds.of_user(CUSTOMER, later(1)) == []
        assert await tx.orders.from_holds(CUSTOMER, None, ["TH-P-001"], later(1)) is None
