"""Who enters the admin API, and what is refused before anybody looks at it."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from publishers.admin.border import MOST_BYTES
from publishers.admin.errors import Refusal
from publishers.admin.people import FORGOTTEN_AFTER, GUESSES, People, Role
from tests.build.admin import API, World

RESOURCES = ("storefronts", "sgtm-configs", "platforms", "credentials", "events", "deliveries")
CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/storefronts", {"storefront_id": "x", "name": "x"}),
    ("PUT", "/storefronts/1", {"is_active": False}),
    ("DELETE", "/storefronts/1", None),
    ("POST", "/credentials", {"storefront_id": 1, "platform_id": 1, "credentials": {}}),
    ("POST", "/credentials/1/test", None),
    ("POST", "/destinations/1/resume", None),
    ("POST", "/events/1/replay", None),
    ("POST", "/events/1/cancel", None),
    ("POST", "/deliveries/replay", {"all": True}),
    ("POST", "/deliveries/1/cancel", None),
    ("GET", "/audit", None),
]


@asynccontextmanager
async def _no_database() -> AsyncIterator[Any]:
    raise AssertionError("the database was asked")
    yield


@pytest.fixture
def world() -> World:
    return World(_no_database)


def shown(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


async def test_probes_need_no_password(world: World) -> None:
    for path in ("//", "//health/live", "//health/ready", "//metrics"):
        assert (await world.call("GET", path, who=None)).status_code == 200


@pytest.mark.parametrize(("who", "said"), [(None, "Not authenticated"), ("mallory", "Invalid credentials")])
async def test_everything_else_needs_one(world: World, who: str | None, said: str) -> None:
    for path in ("/storefronts", "/nothing", "//docs", "//openapi.json", "//elsewhere"):
        refused = await world.call("GET", path, who=who)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic")
        assert refused.json() == {"error_code": "AUTHENTICATION_FAILED", "message": said, "details": {}}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_producer_of_events_may_nothing_here(world: World, method: str) -> None:
    for path in (*RESOURCES, "destinations", "mappings", "audit", "x"):
        refused = await world.call(method, f"/{path}", who="oms")
        assert (refused.status_code, refused.json()["error_code"]) == (403, "AUTHORIZATION_FAILED")


@pytest.mark.parametrize("who", ["bob", "sue"])
async def test_who_may_only_read_changes_nothing(world: World, who: str) -> None:
    for method, path, body in CHANGES:
        refused = await world.call(method, path, body, who=who)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "AUTHORIZATION_FAILED"), path


async def test_a_strangers_body_is_not_read(world: World) -> None:
    asked = []

    async def receive() -> dict[str, Any]:
        asked.append(1)
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": f"{API}/storefronts", "headers": [], "query_string": b""}
    await world.app(scope, receive, send)
    assert (sent[0]["status"], asked) == (401, [])


async def test_a_body_is_limited_whether_it_says_so_or_not(world: World) -> None:
    async def dribble() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * (MOST_BYTES // 2)

    async with world.client() as client:
        for content in (b"x" * (MOST_BYTES + 1), dribble()):
            refused = await client.post(
                f"{API}/storefronts", content=content, headers={"Content-Type": "application/json"}
            )
            assert (refused.status_code, refused.json()["error_code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_only_json_is_read(world: World) -> None:
    async with world.client() as client:
        form = await client.post(f"{API}/storefronts", data={"name": "x"})
        broken = await client.post(
            f"{API}/storefronts", content=b'{"name": ', headers={"Content-Type": "application/json"}
        )
    assert form.status_code == 415
    assert broken.status_code == 422
    assert [each["field"] for each in broken.json()["details"]["errors"]] == ["body"]


async def test_another_site_cannot_use_the_password_that_a_browser_remembers(world: World) -> None:
    async with world.client() as client:
        for site in ("cross-site", "same-site"):
            refused = await client.post(f"{API}/destinations/1/resume", headers={"Sec-Fetch-Site": site})
            assert refused.status_code == 403


async def test_readiness_tells_when_the_database_is_away_and_nothing_more(world: World) -> None:
    world.is_away = True
    away = await world.call("GET", "//health/ready", who=None)
    assert (away.status_code, away.json()) == (503, {"status": "not_ready", "database": "unhealthy"})
    assert (await world.call("GET", "//health/live", who=None)).status_code == 200


async def test_unknown_paths_and_methods_are_told_in_the_one_shape(world: World) -> None:
    unknown, wrong = await world.call("GET", "/nothing"), await world.call("PATCH", "/storefronts")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "NOT_FOUND")
    assert (wrong.status_code, wrong.json()["error_code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_a_bug_tells_nothing_of_itself(world: World) -> None:
    with capture_logs() as logs:
        failed = await world.call("GET", "/storefronts")
    assert failed.json() == {
        "error_code": "INTERNAL_ERROR", "message": "Something went wrong on our side", "details": {}
    }  # fmt: skip
    assert [each["event"] for each in logs] == ["admin_request_failed", "admin_request"]


async def test_no_password_and_no_secret_is_ever_logged(world: World) -> None:
    secret = "a-secret-that-is-refused"
    body = {"storefront_id": "x", "platform_id": 1, "credentials": {"access_token": secret}}
    with capture_logs() as logs:
        refused = await world.call("POST", "/credentials", body)
        await world.call("GET", "/storefronts", who="mallory")
    assert refused.status_code == 422
    assert secret not in refused.text
    for hidden in (secret, "ada-password", "a guess"):
        assert hidden not in str(logs)


async def test_the_documentation_describes_every_resource_to_those_who_may_read(world: World) -> None:
    async with world.client("bob") as client:
        page, document = await client.get("/docs"), await client.get("/openapi.json")
    assert page.status_code == 200
    described = json.loads(document.text)
    paths = described["paths"]
    assert described["components"]["securitySchemes"] == {"HTTPBasic": {"type": "http", "scheme": "basic"}}
    for resource in RESOURCES:
        assert f"{API}/{resource}" in paths


def test_a_password_may_hold_colons_and_a_person_several_roles() -> None:
    people = People([SecretStr("ada:a:b:c:admin+secrets")])
    assert people.person(shown("ada:a:b:c")).roles == {Role.ADMIN, Role.SECRETS}


@pytest.mark.parametrize("header", [None, "", "Bearer x", "Basic", "Basic !!!", "Basic " + "YWRh", "Basic /////w=="])
def test_what_is_no_login_is_nobody(header: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        People([SecretStr("ada:a-password:admin")]).person(header)
    assert refused.value.status == 401


def test_who_guesses_has_to_wait_and_others_need_not() -> None:
    now = [1000.0]
    people = People([SecretStr("ada:a-password:admin"), SecretStr("bob:b-password:read")], now=lambda: now[0])
    statuses = []
    for guess in range(GUESSES + 1):
        with pytest.raises(Refusal) as refused:
            people.person(shown(f"ada:guess-{guess}"))
        statuses.append(refused.value.status)
    assert statuses == [401] * GUESSES + [429]
    with pytest.raises(Refusal):
        people.person(shown("ada:a-password"))
    assert people.person(shown("bob:b-password")).name == "bob"
    now[0] += FORGOTTEN_AFTER.total_seconds() + 1
    assert people.person(shown("ada:a-password")).name == "ada"
