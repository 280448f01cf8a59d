"""What operators configure over HTTP, on real databases."""

import asyncio
from typing import Any

import pytest

from persistence.uow import Uow
from tests.build.admin import World

SHOP = {"storefront_id": "lumen-rx", "name": "Lumen Rx", "domain": "lumen.example"}
SERVER = {"sgtm_url": "https://sgtm.lumen.example/", "measurement_id": "G-LMN7QX", "api_secret": "q1w2e3-long-secret"}
TOKEN = "tok-meta-1-long-and-secret"


@pytest.fixture
def world(uow: Uow) -> World:
    return World(uow)


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


async def test_of_many_who_add_the_same_at_once_one_succeeds_and_the_others_are_told(world: World) -> None:
    answers = await asyncio.gather(*(world.call("POST", "/storefronts", SHOP) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [201, 409, 409, 409, 409]
    assert (await world.get("/storefronts"))["total"] == 1


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


async def test_a_tagging_server_is_tried_with_its_secrets_opened(world: World) -> None:
    shop = await world.made("/storefronts", **SHOP)
    made = await world.made("/sgtm-configs", storefront_id=shop["id"], **SERVER)
    tried = (await world.call("POST", f"/sgtm-configs/{made['id']}/test")).json()
    assert tried["ok"]
    (used,) = world.server.accounts
    assert used.credentials["api_secret"] == SERVER["api_secret"]


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
