"""Operators set pieces and move orders, and never against a promise, on real databases."""

from typing import Any

import pytest

from persistence.uow import Uow
from schemas.replies.stock import ItemStatus, OrderStatus
from schemas.replies.wishes import wish_of
from tests.build.admin import World
from tests.build.records import NOON
from tests.build.replies import CONVERSATION, later, shop

SKU = "TH-P-001"


@pytest.fixture
def world(uow: Uow) -> World:
    return World(uow, now=later(1))


@pytest.fixture
async def customer(uow: Uow) -> str:
    (one,) = await shop(uow, SKU, "TH-P-002")
    return one


async def ordered(uow: Uow, customer: str) -> str:
    async with uow() as tx:
        await tx.holds.hold(customer, CONVERSATION, SKU, NOON)
        made = await tx.orders.from_holds(customer, CONVERSATION, [SKU], NOON)
    assert made
    return made.order.code


async def put(world: World, sku: str = SKU, who: str | None = "ada", **change: Any) -> Any:
    return await world.call("PUT", f"/replies/stock/{sku}", change, who=who)


async def test_pieces_are_listed_and_shown_with_their_hold(world: World, customer: str) -> None:
    async with world.uow() as tx:
        await tx.holds.hold(customer, CONVERSATION, SKU, NOON)
    told = await world.get("/replies/stock?limit=1")
    assert ([each["sku"] for each in told["items"]], told["total"], told["has_more"]) == ([SKU], 2, True)
    piece = await world.get(f"/replies/stock/{SKU.lower()}")
    assert (piece["status"], piece["stored_status"], piece["held_by"]) == ("RESERVED", "AVAILABLE", customer)
    assert piece["measures"] == {"pit_to_pit": 24.0}
    assert (await world.get("/replies/stock?status=SOLD"))["items"] == []
    assert (await world.call("GET", "/replies/stock/TH-X-999")).status_code == 404


@pytest.mark.usefixtures("customer")
async def test_a_piece_is_changed_where_something_is_said_and_found_by_what_it_is_now(world: World) -> None:
    told = (await put(world, price_kes=8000, tag_size="XL", fit_notes="Runs large", negotiable=False)).json()
    assert (told["price_kes"], told["tag_size"], told["fit_notes"], told["version"]) == (8000, "XL", "Runs large", 2)
    assert told["name"] == "Carhartt Detroit Jacket"
    async with world.uow() as tx:
        found = await tx.stock.search(wish_of("size XL jacket"), NOON)
    assert [each.item.sku for each in found] == [SKU]
    assert (await world.audit())[0] == ("ada", "set", "stock")


async def test_a_piece_that_is_sold_over_the_counter_is_held_by_nobody(world: World, customer: str) -> None:
    async with world.uow() as tx:
        await tx.holds.hold(customer, CONVERSATION, SKU, NOON)
    told = (await put(world, status="SOLD")).json()
    assert (told["status"], told["held_by"]) == ("SOLD", None)
    assert (await put(world, status="AVAILABLE")).json()["status"] == "AVAILABLE"


async def test_a_piece_of_an_order_goes_its_orders_way(world: World, customer: str) -> None:
    await ordered(world.uow, customer)
    refused = await put(world, status="AVAILABLE", price_kes=1)
    assert (refused.status_code, refused.json()["details"]) == (409, {"sku": SKU})
    piece = await world.get(f"/replies/stock/{SKU}")
    assert (piece["stored_status"], piece["price_kes"]) == ("RESERVED", 9500)  # and nothing else was changed


@pytest.mark.usefixtures("customer")
@pytest.mark.parametrize(
    "change", [{}, {"status": "GONE"}, {"price_kes": -1}, {"price_kes": None}, {"name": ""}, {"tag_size": "x" * 51}]
)
async def test_what_makes_no_sense_is_refused(world: World, change: dict[str, Any]) -> None:
    assert (await put(world, **change)).status_code == 422


@pytest.mark.usefixtures("customer")
async def test_only_those_who_may_change_things_change_pieces(world: World) -> None:
    assert (await put(world, who="bob", price_kes=1)).status_code == 403
    assert (await put(world, who=None, price_kes=1)).status_code == 401
    assert (await put(world, "TH-X-999", price_kes=1)).status_code == 404


@pytest.mark.parametrize(
    ("way", "item"),
    [
        (["PAID"], ItemStatus.SOLD),
        (["PAID", "SHIPPED"], ItemStatus.SOLD),
        (["CANCELLED"], ItemStatus.AVAILABLE),
        (["PAID", "CANCELLED"], ItemStatus.AVAILABLE),
    ],
)
async def test_an_order_is_moved_and_its_piece_with_it(
    world: World, customer: str, way: list[str], item: ItemStatus
) -> None:
    code = await ordered(world.uow, customer)
    for status in way:
        response = await world.call("POST", f"/replies/orders/{code}/move", {"status": status, "reason": "as agreed"})
        assert response.status_code == 200, response.text
    told = await world.get(f"/replies/orders/{code.lower()}")
    assert [each["to_status"] for each in told["history"]] == ["PENDING", *way]
    assert (told["history"][-1]["who"], told["history"][-1]["reason"]) == ("ada", "as agreed")
    assert [(each["sku"], each["price_kes"]) for each in told["items"]] == [(SKU, 9500)]
    assert (await world.get(f"/replies/stock/{SKU}"))["stored_status"] == item


@pytest.mark.parametrize(
    ("way", "to"),
    [
        ([], "SHIPPED"),
        ([], "PENDING"),
        (["PAID"], "PAID"),
        (["PAID", "SHIPPED"], "CANCELLED"),
        (["CANCELLED"], "PAID"),
    ],
)
async def test_a_move_that_the_status_forbids_is_refused_and_changes_nothing(
    world: World, customer: str, way: list[str], to: str
) -> None:
    code = await ordered(world.uow, customer)
    for status in way:
        await world.call("POST", f"/replies/orders/{code}/move", {"status": status})
    before = await world.get(f"/replies/orders/{code}")
    refused = await world.call("POST", f"/replies/orders/{code}/move", {"status": to})
    assert (refused.status_code, refused.json()["details"]["status"]) == (409, before["status"])
    assert refused.json()["details"]["may"] == before["may_become"]
    assert await world.get(f"/replies/orders/{code}") == before


async def test_orders_are_listed_and_only_moved_by_those_who_may(world: World, customer: str) -> None:
    code = await ordered(world.uow, customer)
    told = await world.get("/replies/orders?status=PENDING")
    assert [(each["code"], each["may_become"]) for each in told["items"]] == [(code, ["CANCELLED", "PAID"])]
    assert (await world.get("/replies/orders?status=PAID"))["total"] == 0
    move = f"/replies/orders/{code}/move"
    assert (await world.call("POST", move, {"status": "PAID"}, who="bob")).status_code == 403
    assert (await world.call("POST", "/replies/orders/PT-NOBODY/move", {"status": "PAID"})).status_code == 404
    assert (await world.call("POST", move, {"status": "LOST"})).status_code == 422
    async with world.uow() as tx:
        view = await tx.orders.get(code)
    assert view
    assert view.order.status is OrderStatus.PENDING
