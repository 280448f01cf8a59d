import json
from base64 import b64encode
from datetime import timedelta
from importlib.resources import files
from typing import Any

import httpx
import pytest

from publishers.gateway.envelope import Accepted
from publishers.gateway.events import EventsProblem
from publishers.gateway.ports import Limits
from tests.build.gateway import PASSWORD, World

PATH = "/v1/events"
SEED = (files("mesh") / "examples" / "marketing-events.json").read_bytes()
RESULT = {"accepted": 3, "rejected": 0, "event_ids": ["1"], "errors": [], "results": [], "batch_error": None}
ITEM = {"storefront_id": "a", "event_name": "lead", "event_time": "2026-01-15T10:15:00Z", "order_id": "1"}


def stored(result: Any = RESULT, **values: Any) -> World:
    """Return a world whose worker stores everything."""
    world = World(**values)
    world.answers.done(result)
    return world


def basic(name: str = "oms", password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"}


async def post(world: World, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with world.client({}) as client:
        return await client.post(PATH, content=content, headers=basic() if headers is None else headers)


def problem(response: httpx.Response) -> EventsProblem:
    """Return the refusal, which must have the shape that is promised and no other field."""
    assert set(response.json()) == {"error_code", "message", "details"}
    return EventsProblem.model_validate_json(response.content)


async def test_the_seeds_page_is_published_as_it_came_and_its_result_told_as_it_is() -> None:
    world = stored()
    response = await post(world, SEED)
    assert (response.status_code, response.json()) == (202, RESULT)
    message = world.publisher.last
    assert (message.exchange, message.key, message.type) == ("relay.topic", "relay.events.ingest", "IngestEvents")
    assert message.body == SEED
    assert message.reply_to == "mesh.answers.here"


async def test_a_service_token_does_as_well() -> None:
    assert (await stored().post(PATH, SEED)).status_code == 202


@pytest.mark.parametrize("field", ["next_index", "previous_index"])
@pytest.mark.parametrize("value", ["", None, 0, 200, "200"])
async def test_paging_is_taken_in_every_form(field: str, value: Any) -> None:
    page = {"count": 1, "data": [ITEM], "error": None, field: value}
    assert (await post(stored(), page)).status_code == 202


async def test_items_are_no_affair_of_the_gateway() -> None:
    world = stored()
    page = b'{"count": 4, "data": [7, {}, {"order_revenue": NaN}, {"order_id": "\\u0000"}]}'
    assert (await post(world, page)).status_code == 202
    assert world.publisher.last.body == page


async def test_a_page_that_could_not_be_made_is_refused_with_its_error() -> None:
    world = stored()
    response = await post(world, {"count": 0, "data": [], "error": "replica lag"})
    told = problem(response)
    assert (response.status_code, told.error_code, told.details) == (
        422,
        "VALIDATION_ERROR",
        {"batch_error": "replica lag"},
    )
    assert not world.publisher.published


async def test_items_beside_an_error_are_taken() -> None:
    world = stored()
    assert (await post(world, {"count": 1, "data": [ITEM], "error": "replica lag"})).status_code == 202
    assert world.publisher.published


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ({"count": 0, "data": [], "error": ""}, "body.data"),
        ({"count": 1, "events": [ITEM]}, "body.data"),
        ({"count": 1, "data": "x"}, "body.data"),
        ({"count": 1, "data": [ITEM], "error": 7}, "body.error"),
    ],
)
async def test_what_is_no_page_is_refused_by_field(page: Any, field: str) -> None:
    world = stored()
    response = await post(world, page)
    assert response.status_code == 422
    assert [each["field"] for each in problem(response).details["errors"]] == [field]
    assert not world.publisher.published


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[" * 5000, b'{"data": [1'])
async def test_what_is_not_json_is_refused(body: bytes) -> None:
    response = await post(stored(), body)
    assert (response.status_code, problem(response).error_code) == (422, "VALIDATION_ERROR")


async def test_more_events_than_a_page_may_have_are_refused_whole() -> None:
    world = stored(limits=Limits(max_events=2))
    response = await post(world, {"data": [ITEM] * 3})
    assert (response.status_code, problem(response).error_code) == (413, "PAYLOAD_TOO_LARGE")
    assert (await post(world, {"data": [ITEM] * 2})).status_code == 202
    assert (await post(stored(), {"data": [ITEM] * 10_001})).status_code == 413


async def test_a_page_has_a_limit_of_bytes_of_its_own() -> None:
    world = stored(limits=Limits(max_events_bytes=len(SEED)))
    assert (await post(world, SEED)).status_code == 202
    response = await post(world, SEED + b" ")
    assert (response.status_code, problem(response).error_code) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic(password="wrong"),
        basic("nobody"),
        basic("OMS"),
        {"Authorization": "Basic not-base64!"},
        {"Authorization": "Basic "},
        {"Authorization": f"Bearer {PASSWORD}"},
        {**basic(), "X-INFound-Inner-Service-Token": "wrong"},
    ],
)
async def test_nobody_else_may_post(headers: dict[str, str]) -> None:
    world = stored()
    response = await post(world, SEED, headers)
    assert (response.status_code, problem(response).error_code) == (401, "AUTHENTICATION_FAILED")
    assert response.headers["www-authenticate"].startswith("Basic")
    assert not world.publisher.published


async def test_a_body_of_strangers_is_not_read() -> None:
    world, asked = stored(), []

    async def body() -> Any:
        asked.append(1)
        yield b"x" * 1024

    async with world.client({}) as client:
        assert (await client.post(PATH, content=body())).status_code == 401
    assert not asked


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/samples/ingest"), ("POST", "/chatbot/messages"), ("GET", "/x")]
)
async def test_producers_may_post_events_and_nothing_else(method: str, path: str) -> None:
    world = stored()
    async with world.client(basic()) as client:
        assert (await client.request(method, path, content=b"{}")).status_code == 403
    assert not world.publisher.published


async def test_producers_may_ask_what_became_of_their_pages() -> None:
    world = World()
    accepted = await post(world, SEED, {**basic(), "Prefer": "respond-async"})
    told = Accepted.model_validate_json(accepted.content)
    assert (accepted.status_code, accepted.headers["location"]) == (202, told.status_url)
    async with world.client(basic()) as client:
        assert (await client.get(told.status_url)).json()["data"]["state"] == "accepted"


async def test_a_result_that_takes_too_long_is_told_later() -> None:
    world = World()
    response = await post(world, SEED, {**basic(), "Prefer": "wait=2"})
    assert Accepted.model_validate_json(response.content).message_id == world.publisher.last.message_id
    assert world.answers.waited == [timedelta(seconds=2)]


async def test_without_a_confirm_there_is_no_success() -> None:
    world = stored()
    world.publisher.is_away = True
    response = await post(world, SEED)
    assert (response.status_code, problem(response).error_code) == (503, "SERVICE_UNAVAILABLE")
    assert int(response.headers["retry-after"]) > 0
    assert "hush" not in response.text


async def test_a_bug_in_the_worker_is_a_500_that_tells_nothing() -> None:
    world = World()
    world.answers.dead("KeyError: 'hush'", "KeyError")
    response = await post(world, SEED)
    assert (response.status_code, problem(response).error_code) == (500, "INTERNAL_ERROR")
    assert "hush" not in response.text


async def test_the_same_idempotency_key_is_the_same_message_whatever_the_password() -> None:
    world = stored()
    for _ in range(2):
        await post(world, SEED, {**basic(), "Idempotency-Key": "page-1"})
    first, second = world.publisher.published
    assert first.message_id == second.message_id


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_events_are_posted(method: str) -> None:
    async with World().client(basic()) as client:
        response = await client.request(method, PATH)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
