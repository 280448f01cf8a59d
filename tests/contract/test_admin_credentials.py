"""Accounts at platforms over HTTP, on real databases: judged, sealed, masked, tried."""

from typing import Any

import pytest

from adapters.relay.port import Outcome, Verdict
from persistence.uow import Uow
from schemas.relay.records import DeliveryState
from schemas.relay.selection import DeliverySelection, Page
from tests.build.admin import World
from tests.build.records import NOON
from tests.build.relay import delivery, event

SHOP = {"storefront_id": "lumen-rx", "name": "Lumen Rx", "domain": "lumen.example"}
SERVER = {"sgtm_url": "https://sgtm.lumen.example/", "measurement_id": "G-LMN7QX", "api_secret": "q1w2e3-long-secret"}
TOKEN = "tok-meta-1-long-and-secret"


@pytest.fixture
def world(uow: Uow) -> World:
    return World(uow)


async def meta(world: World) -> int:
    """The number of the platform Meta, which the database has, or gets."""
    found = await world.get("/platforms?limit=1000")
    known = [each["id"] for each in found["items"] if each["platform_code"] == "meta_capi"]
    return known[0] if known else (await world.made("/platforms", platform_code="meta_capi", name="Meta"))["id"]


async def account(world: World, **values: Any) -> dict[str, Any]:
    """A storefront with a direct credential."""
    shop = await world.made("/storefronts", **SHOP)
    body = {"storefront_id": shop["id"], "platform_id": await meta(world), "destination_type": "direct"}
    made: dict[str, Any] = await world.made("/credentials", **body | {"credentials": {"access_token": TOKEN}} | values)
    return made


async def test_a_credential_is_shown_masked_with_whose_it_is(world: World) -> None:
    made = await account(world, pixel_id="700100200")
    assert made["credentials"] == {"access_token": "tok-***ret"}
    names = ("platform_code", "platform_name", "storefront_name", "destination_type", "pixel_id", "is_active")
    assert [made[name] for name in names][0::2] == ["meta_capi", "Lumen Rx", "700100200"]
    (listed,) = (await world.get(f"/credentials?storefront_id={made['storefront_id']}"))["items"]
    assert listed == made
    assert (await world.get("/credentials?is_active=false"))["items"] == []


async def test_only_the_role_secrets_sees_a_credential_in_clear_and_that_is_remembered(world: World) -> None:
    made = await account(world)
    path = f"/credentials/{made['id']}?decrypt=true"
    for who in ("ada", "bob"):
        refused = await world.call("GET", path, who=who)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "AUTHORIZATION_FAILED")
        assert TOKEN not in refused.text
    assert (await world.get(path, who="sue"))["credentials"] == {"access_token": TOKEN}
    assert [each for each in await world.audit() if each[1] == "reveal"] == [("sue", "reveal", "credentials")]


async def test_credentials_are_judged_by_the_platforms_schema(world: World) -> None:
    shop = await world.made("/storefronts", **SHOP)
    body = {"storefront_id": shop["id"], "platform_id": await meta(world), "destination_type": "direct"}
    wrong = {"pixel_id": "not-digits-but-secret", "colour": "red"}
    refused = await world.call("POST", "/credentials", {**body, "credentials": wrong})
    assert refused.status_code == 422
    fields = {each["field"] for each in refused.json()["details"]["errors"]}
    assert fields == {f"body.credentials.{name}" for name in ("access_token", "pixel_id", "colour")}
    assert "not-digits" not in refused.text
    assert (await world.call("POST", "/credentials", {**body, "credentials": {}})).status_code == 422


async def test_a_platforms_own_schema_comes_before_its_adapters(world: World) -> None:
    schema = '{"type": "object", "required": ["special"]}'
    await world.call("PUT", f"/platforms/{await meta(world)}", {"credential_schema": schema})
    made = await account(world, credentials={"special": "x"})
    assert made["credentials"] == {"special": "***"}


async def test_a_platform_without_an_adapter_refuses_credentials_and_says_so(world: World) -> None:
    shop = await world.made("/storefronts", **SHOP)
    nova = await world.made("/platforms", platform_code="nova_ads", name="Nova Ads")
    body = {"storefront_id": shop["id"], "platform_id": nova["id"], "credentials": {"token": "x"}}
    refused = await world.call("POST", "/credentials", body)
    assert refused.status_code == 422
    assert "has no adapter" in refused.json()["details"]["errors"][0]["message"]
    # What the tagging server sends needs nothing of ours.
    await world.made("/credentials", **body | {"credentials": {}})


async def test_a_credential_is_replaced_whole_and_null_keeps_it(world: World) -> None:
    made = await account(world, credentials={"access_token": TOKEN, "pixel_id": "700100200"})
    path = f"/credentials/{made['id']}"
    await world.call("PUT", path, {"credentials": None, "is_active": False})
    clear = await world.get(f"{path}?decrypt=true", who="sue")
    assert (clear["credentials"]["access_token"], clear["is_active"]) == (TOKEN, False)
    await world.call("PUT", path, {"credentials": {"access_token": made["credentials"]["access_token"]}})
    assert (await world.get(f"{path}?decrypt=true", who="sue"))["credentials"] == {"access_token": TOKEN}
    refused = await world.call("PUT", path, {"credentials": {"access_token": ""}})
    assert refused.status_code == 422


async def test_a_credential_needs_its_parents_and_is_one_a_pair(world: World) -> None:
    made = await account(world)
    pair = {"storefront_id": made["storefront_id"], "platform_id": made["platform_id"]}
    again = await world.call("POST", "/credentials", {**pair, "credentials": {"access_token": TOKEN}})
    assert (again.status_code, again.json()["details"]) == (409, pair)
    for missing in ("storefront_id", "platform_id"):
        body = {**pair, "credentials": {"access_token": TOKEN}, missing: 4711}
        assert (await world.call("POST", "/credentials", body)).status_code == 404


async def test_a_secret_that_no_key_opens_is_said_so_and_can_be_replaced(world: World) -> None:
    made = await account(world)
    other = World(world.uow)
    path = f"/credentials/{made['id']}"
    clear = await other.call("GET", f"{path}?decrypt=true", who="sue")
    assert (clear.status_code, clear.json()["error_code"]) == (500, "ENCRYPTION_ERROR")
    assert (await other.get(path))["credentials"] == {}
    assert (await other.call("PUT", path, {"credentials": {"access_token": TOKEN}})).status_code == 200
    assert (await other.get(f"{path}?decrypt=true", who="sue"))["credentials"] == {"access_token": TOKEN}


async def test_credentials_are_tried_live_and_the_answer_holds_no_secret(world: World) -> None:
    made = await account(world)
    path = f"/credentials/{made['id']}/test"
    tried = (await world.call("POST", path)).json()
    assert (tried["ok"], tried["verdict"], tried["status"]) == (True, "delivered", 200)
    (used,) = world.platform.accounts
    assert (used.credentials["access_token"], used.base_url) == (TOKEN, "https://graph.example/v1")
    world.platform.outcome = Outcome(verdict=Verdict.AUTH, status=401, reason=f"token {TOKEN} has expired")
    refused = (await world.call("POST", path)).json()
    assert (refused["ok"], refused["verdict"], refused["reason"]) == (False, "auth", "token *** has expired")
    assert (await world.call("POST", path, who="bob")).status_code == 403


async def test_a_changed_credential_lets_its_destination_go_on(world: World) -> None:
    made = await account(world)
    async with world.uow() as tx:
        ways = await tx.destinations.of_storefronts([made["storefront_id"]])
        (way,) = ways[made["storefront_id"]]
        await tx.destinations.pause(way.id, NOON.replace(year=9999), "auth: expired", 1)
    assert (await world.get(f"/destinations/{way.id}"))["paused_reason"] == "auth: expired"
    await world.call("PUT", f"/credentials/{made['id']}", {"credentials": {"access_token": TOKEN + "2"}})
    assert (await world.get(f"/destinations/{way.id}"))["paused_until"] is None


async def test_an_operator_lets_a_destination_go_on(world: World) -> None:
    made = await account(world)
    async with world.uow() as tx:
        (way,) = (await tx.destinations.of_storefronts([made["storefront_id"]]))[made["storefront_id"]]
        await tx.destinations.pause(way.id, NOON.replace(year=9999), "config: 404", 3)
    resumed = (await world.call("POST", f"/destinations/{way.id}/resume")).json()
    assert (resumed["paused_until"], resumed["failures"], resumed["held_by"]) == (None, 0, None)


async def test_deleting_configuration_keeps_what_happened_and_ends_what_waits(world: World) -> None:
    made = await account(world)
    shop = made["storefront_id"]
    async with world.uow() as tx:
        (way,) = (await tx.destinations.of_storefronts([shop]))[shop]
        await tx.events.add([event("o-1", storefront_id=shop), event("o-2", storefront_id=shop)])
        one, two = [each.id or 0 for each in await tx.events.listed(limit=2)]
        await tx.event_deliveries.add([delivery(one, way.id), delivery(two, way.id, state=DeliveryState.DELIVERED)])
    assert (await world.call("DELETE", f"/storefronts/{shop}")).status_code == 204
    assert (await world.call("GET", f"/credentials/{made['id']}")).status_code == 404
    async with world.uow() as tx:
        found = await tx.search.deliveries(DeliverySelection(), Page(limit=10))
    assert [(each.delivery.state, each.delivery.reason) for each in found] == [
        (DeliveryState.CANCELLED, "its storefront was deleted"),
        (DeliveryState.DELIVERED, None),
    ]
    told = await world.get(f"/events/{two}")
    assert told["deliveries"][0]["destination"]["held_by"] == "its storefront was deleted"
    assert told["event"]["event_id"] == "o-2"


async def test_a_platform_with_credentials_is_not_deleted_from_under_them(world: World) -> None:
    made = await account(world)
    refused = await world.call("DELETE", f"/platforms/{made['platform_id']}")
    assert refused.status_code == 409
    assert (await world.call("DELETE", f"/credentials/{made['id']}")).status_code == 204
    assert (await world.call("DELETE", f"/platforms/{made['platform_id']}")).status_code == 204
