"""What operators configure over HTTP, on real databases."""

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


async def test_a_storefront_is_added_listed_changed_and_removed(world: World) -> None:
    made = await world.made("/storefronts", **SHOP | {"storefront_id": " Lumen-RX "})
    assert (made["storefront_id"], made["is_active"], made["description"]) == ("lumen-rx", True, None)
    number = made["id"]
    changed = await world.call("PUT", f"/storefronts/{number}", {"is_active": False, "storefront_id": "other"})
    assert (changed.status_code, changed.json()["is_active"]) == (200, False)
    assert (changed.json()["name"], changed.json()["storefront_id"]) == ("Lumen Rx", "lumen-rx")
    assert (await world.get("/storefronts?is_active=true"))["items"] == []
    found = await world.get("/storefronts?skip=0&limit=1")
    assert [found[name] for name in ("total", "skip", "limit", "has_more")] == [1, 0, 1, False]
    assert (await world.call("DELETE", f"/storefronts/{number}")).status_code == 204
    gone = await world.call("GET", f"/storefronts/{number}")
    assert gone.status_code == 404
    assert gone.json()["error_code"] == "NOT_FOUND"
    assert gone.json()["details"] == {"resource": "storefront", "identifier": str(number)}
    expected = [("ada", action, "storefronts") for action in ("delete", "change", "create")]
    assert await world.audit() == expected


async def test_pages_are_stable_and_say_whether_there_is_more(world: World) -> None:
    for number in range(5):
        await world.made("/storefronts", storefront_id=f"shop-{number}", name="Shop")
    pages = [await world.get(f"/storefronts?skip={skip}&limit=2") for skip in (0, 2, 4)]
    codes = [[each["storefront_id"] for each in page["items"]] for page in pages]
    assert codes == [["shop-0", "shop-1"], ["shop-2", "shop-3"], ["shop-4"]]
    assert [page["has_more"] for page in pages] == [True, True, False]


async def test_what_is_there_already_is_a_conflict(world: World) -> None:
    await world.made("/storefronts", **SHOP)
    again = await world.call("POST", "/storefronts", SHOP)
    assert (again.status_code, again.json()["error_code"]) == (409, "CONFLICT")
    assert again.json()["details"] == {"storefront_id": "lumen-rx"}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/storefronts", {"name": "x"}, "body.storefront_id"),
        ("/storefronts", SHOP | {"storefront_id": "löwe"}, "body.storefront_id"),
        ("/storefronts", SHOP | {"storefront_id": "x" * 51}, "body.storefront_id"),
        ("/storefronts", SHOP | {"name": "x" * 256}, "body.name"),
        ("/storefronts", SHOP | {"name": "a\x00b"}, "body.name"),
        ("/storefronts", SHOP | {"is_active": None}, "body.is_active"),
        ("/storefronts", [], "body"),
        ("/platforms", {"platform_code": "a-b", "name": "x"}, "body.platform_code"),
        ("/platforms", {"platform_code": "x", "name": "x", "tier": 4}, "body.tier"),
        ("/platforms", {"platform_code": "x", "name": "x", "auth_type": "magic"}, "body.auth_type"),
        ("/platforms", {"platform_code": "x", "name": "x", "credential_schema": "no"}, "body.credential_schema"),
        (
            "/platforms",
            {"platform_code": "x", "name": "x", "credential_schema": '{"type": 7}'},
            "body.credential_schema",
        ),
        ("/platforms", {"platform_code": "x", "name": "x", "api_base_url": "http://10.0.0.1"}, "body.api_base_url"),
        ("/mappings", {"platform_code": "meta_capi", "mapping": {"events": {"Lead": "Lead"}}}, "body.mapping"),
    ],
)
async def test_a_bad_body_is_refused_by_field(world: World, path: str, body: Any, field: str) -> None:
    refused = await world.call("POST", path, body)
    assert (refused.status_code, refused.json()["error_code"]) == (422, "VALIDATION_ERROR")
    assert [each["field"] for each in refused.json()["details"]["errors"]] == [field]


async def test_null_where_something_must_be_is_refused_and_not_an_error_of_ours(world: World) -> None:
    made = await world.made("/storefronts", **SHOP)
    for body in ({"name": None}, {"is_active": None}):
        assert (await world.call("PUT", f"/storefronts/{made['id']}", body)).status_code == 422
    cleared = await world.call("PUT", f"/storefronts/{made['id']}", {"domain": None})
    assert (cleared.status_code, cleared.json()["domain"]) == (200, None)


async def test_a_tagging_server_keeps_its_secrets_to_itself(world: World) -> None:
    shop = await world.made("/storefronts", **SHOP)
    headers = {"X-Relay-Key": "k-901-long-and-secret"}
    made = await world.made("/sgtm-configs", storefront_id=shop["id"], custom_headers=headers, **SERVER)
    assert made["sgtm_url"] == "https://sgtm.lumen.example"
    assert (made["api_secret"], made["custom_headers"]) == ("q1w2***ret", {"X-Relay-Key": "k-90***ret"})
    assert (made["client_type"], made["custom_endpoint_path"]) == ("ga4", "/collect")
    async with world.uow() as tx:
        stored = await tx.configuration.sgtm_configs.get(made["id"])
    assert stored
    assert world.vault.open(stored.api_secret or "") == {"api_secret": SERVER["api_secret"]}
    assert "secret" not in str(stored.custom_headers)
    seen = await world.get(f"/sgtm-configs/{made['id']}?decrypt=true", who="sue")
    assert (seen["api_secret"], seen["custom_headers"]) == (SERVER["api_secret"], headers)
    assert (await world.audit())[0] == ("sue", "reveal", "sgtm-configs")


async def test_a_masked_secret_that_comes_back_stays_what_it_was(world: World) -> None:
    shop = await world.made("/storefronts", **SHOP)
    made = await world.made("/sgtm-configs", storefront_id=shop["id"], **SERVER)
    path = f"/sgtm-configs/{made['id']}"
    await world.call("PUT", path, {"api_secret": made["api_secret"], "client_type": "custom"})
    assert (await world.get(f"{path}?decrypt=true", who="sue"))["api_secret"] == SERVER["api_secret"]
    await world.call("PUT", path, {"api_secret": "another-long-secret"})
    assert (await world.get(f"{path}?decrypt=true", who="sue"))["api_secret"] == "another-long-secret"
    await world.call("PUT", path, {"api_secret": None})
    assert (await world.get(path))["api_secret"] is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"measurement_id": None}, "body.measurement_id"),
        ({"measurement_id": "UA-1"}, "body.measurement_id"),
        ({"container_id": "LMN"}, "body.container_id"),
        ({"sgtm_url": "http://sgtm.lumen.example"}, "body.sgtm_url"),
        ({"sgtm_url": "https://169.254.169.254/"}, "body.sgtm_url"),
        ({"sgtm_url": "https://[::ffff:127.0.0.1]/"}, "body.sgtm_url"),
        ({"sgtm_url": "https://me:pw@sgtm.lumen.example"}, "body.sgtm_url"),
        ({"sgtm_url": "https://localhost/"}, "body.sgtm_url"),
        ({"sgtm_url": "https://sgtm.lumen.example/" + "x" * 500}, "body.sgtm_url"),
        ({"sgtm_url": "https://sgtm.lumen.example/?a=b"}, "body.sgtm_url"),
        ({"custom_headers": {"Host": "x"}}, "body.custom_headers"),
        ({"custom_headers": {"X-Key": "a\r\nX-Other: b"}}, "body.custom_headers"),
        ({"custom_headers": {"bad name": "x"}}, "body.custom_headers"),
        ({"custom_endpoint_path": "/with space"}, "body.custom_endpoint_path"),
        ({"client_type": "web"}, "body.client_type"),
    ],
)
async def test_a_tagging_server_is_judged_alike_when_added_and_when_changed(
    world: World, change: dict[str, Any], field: str
) -> None:
    shop = await world.made("/storefronts", **SHOP)
    added = await world.call("POST", "/sgtm-configs", {"storefront_id": shop["id"], **SERVER, **change})
    made = await world.made("/sgtm-configs", storefront_id=shop["id"], **SERVER)
    changed = await world.call("PUT", f"/sgtm-configs/{made['id']}", change)
    for refused in (added, changed):
        assert refused.status_code == 422, refused.text
        assert {each["field"] for each in refused.json()["details"]["errors"]} == {field}


async def test_a_storefront_has_one_tagging_server_and_it_needs_a_storefront(world: World) -> None:
    shop = await world.made("/storefronts", **SHOP)
    await world.made("/sgtm-configs", storefront_id=shop["id"], **SERVER)
    assert (await world.call("POST", "/sgtm-configs", {"storefront_id": shop["id"], **SERVER})).status_code == 409
    assert (await world.call("POST", "/sgtm-configs", {"storefront_id": 4711, **SERVER})).status_code == 404


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


async def test_a_tagging_server_is_tried_with_its_secrets_opened(world: World) -> None:
    shop = await world.made("/storefronts", **SHOP)
    made = await world.made("/sgtm-configs", storefront_id=shop["id"], **SERVER)
    tried = (await world.call("POST", f"/sgtm-configs/{made['id']}/test")).json()
    assert tried["ok"]
    (used,) = world.server.accounts
    assert used.credentials["api_secret"] == SERVER["api_secret"]


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


async def test_platforms_are_narrowed_by_tier_and_category(world: World) -> None:
    await world.made("/platforms", platform_code="NOVA_ads", name="Nova", tier=2, category="novelty")
    (found,) = (await world.get("/platforms?tier=2&category=novelty"))["items"]
    assert (found["platform_code"], found["auth_type"]) == ("nova_ads", "access_token")
    assert (await world.get("/platforms?tier=1&category=novelty"))["items"] == []


async def test_a_mapping_has_versions(world: World) -> None:
    shop = await world.made("/storefronts", **SHOP)
    body = {"platform_code": "meta_capi", "storefront_id": shop["id"]}
    first = await world.made("/mappings", **body, mapping={"events": {"rx_issued": "Lead", "lead": None}})
    second = await world.made("/mappings", **body, mapping={"other": "skip"})
    assert (first["version"], second["version"]) == (2, 3)
    found = await world.get(f"/mappings?storefront_id={shop['id']}")
    assert [each["version"] for each in found["items"]] == [3, 2]
    assert (await world.get("/mappings/built-in/meta_capi"))["version"] == 1
    assert (await world.call("POST", "/mappings", {**body, "platform_code": "nova", "mapping": {}})).status_code == 404
