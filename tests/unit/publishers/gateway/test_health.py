import asyncio
from datetime import timedelta

import pytest

from brokers.verdict import Unavailable
from publishers.gateway import health
from publishers.gateway.ports import Check
from tests.build.gateway import World


async def _up() -> None:
    return


async def _away() -> None:
    raise Unavailable("hush")


async def _hanging() -> None:
    await asyncio.sleep(60)


async def test_the_root_says_who_is_there() -> None:
    answer = (await World().get("/")).json()
    assert (answer["code"], answer["msg"]) == (200, "Mesh")


async def test_ready_when_everything_is_up() -> None:
    response = await World(checks=[Check("broker", _up), Check("redis", _up, is_required=False)]).get("/health/ready")
    assert response.status_code == 200
    assert response.json()["data"] == {"dependencies": {"broker": "up", "redis": "up"}}


async def test_ready_without_what_is_not_required_and_says_so() -> None:
    response = await World(checks=[Check("broker", _up), Check("redis", _away, is_required=False)]).get("/health/ready")
    assert response.status_code == 200
    assert response.json()["data"] == {"dependencies": {"broker": "up", "redis": "away"}}


async def test_not_ready_without_the_broker() -> None:
    response = await World(checks=[Check("broker", _away)]).get("/health/ready")
    assert response.status_code == 503
    assert response.json() == {"code": 503, "msg": "Not ready", "data": {"dependencies": {"broker": "away"}}}


async def test_a_dependency_that_hangs_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", timedelta(milliseconds=20))
    assert (await World(checks=[Check("broker", _hanging)]).get("/health/ready")).status_code == 503


async def test_alive_whatever_is_away() -> None:
    assert (await World(checks=[Check("broker", _away)]).get("/health/live")).status_code == 200


async def test_metrics_count_requests_by_route_and_name_no_stranger() -> None:
    world = World()
    await world.get("/messages/some-id")
    await world.get("/a/stranger")
    page = (await world.get("/metrics")).text
    assert 'mesh_http_requests_total{route="/messages/{message_id}",status="404"}' in page
    assert 'mesh_http_requests_total{route="unmatched",status="404"}' in page
    assert "stranger" not in page
    assert "some-id" not in page


async def test_the_asyncapi_document_is_served_as_it_was_handed_over() -> None:
    response = await World(asyncapi=b'{"asyncapi": "3.0.0"}').get("/asyncapi")
    assert response.headers["content-type"] == "application/json"
    assert response.content == b'{"asyncapi": "3.0.0"}'
    assert (await World().get("/asyncapi")).status_code == 404
