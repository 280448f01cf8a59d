"""The routes of creators, campaigns and products."""

import json
from typing import Any

import pytest

from tests.build.gateway import World

ROW = {"platformCreatorId": "7341", "platformCampaignId": "7563", "platformProductId": "1"}
ROUTES = [
    ("/creators/ingest", "creators.ingest", {"inserted": 1, "creators": 1}),
    ("/campaigns/ingest", "creators.campaigns.ingest", {"inserted": 1, "campaigns": 1}),
    ("/products/ingest", "creators.products.ingest", {"inserted": 1, "products": 1}),
]


def page(**changes: Any) -> dict[str, Any]:
    return {"source": "a_crawler", "rows": [ROW], **changes}


def answering(result: Any) -> World:
    world = World()
    world.answers.done(result)
    return world


@pytest.mark.parametrize(("path", "key", "result"), ROUTES)
async def test_a_page_is_published_as_it_came_and_its_result_is_told(path: str, key: str, result: Any) -> None:
    world = answering(result)
    body = json.dumps(page(options={"taskId": "T-1"}), indent=1).encode()
    response = await world.post(path, body)
    assert (response.status_code, response.json()["data"]) == (200, result)
    message = world.publisher.last
    assert (message.exchange, message.key, message.body) == ("creators.topic", key, body)


@pytest.mark.parametrize(("path", "key", "result"), ROUTES)
async def test_a_page_of_nobody_is_no_error(path: str, key: str, result: Any) -> None:
    response = await answering({**result, "inserted": 0, "skipped": 1}).post(path, page())
    assert (response.status_code, response.json()["data"]["skipped"]) == (200, 1), key


@pytest.mark.parametrize(("path", "key", "result"), ROUTES)
async def test_a_page_of_only_bad_rows_is_a_422_that_names_their_fields(path: str, key: str, result: Any) -> None:
    bad = {"index": 0, "field": "platformCreatorId", "reason": "is longer than 64 characters"}
    response = await answering({**result, "inserted": 0, "rejected": [bad]}).post(path, page())
    assert response.status_code == 422, key
    assert response.json()["data"]["details"][0]["field"] == "rows.0.platformCreatorId"


@pytest.mark.parametrize(("path", "key", "result"), ROUTES)
@pytest.mark.parametrize(("body", "field"), [({"rows": [ROW]}, "source"), ({"source": "x", "rows": []}, "rows")])
async def test_what_is_no_page_is_a_422(path: str, key: str, result: Any, body: Any, field: str) -> None:
    world = answering(result)
    response = await world.post(path, body)
    assert (response.status_code, response.json()["data"]["details"][0]["field"]) == (422, field), key
    assert world.publisher.published == []


@pytest.mark.parametrize(("path", "key", "result"), ROUTES)
async def test_no_answer_in_time_is_a_202_with_where_to_ask(path: str, key: str, result: Any) -> None:
    world = World()
    response = await world.post(path, page())
    assert response.status_code == 202, (key, result)
    assert response.headers["location"] == f"/messages/{world.publisher.last.message_id}"


HISTORY = "/creators/history"
RECORDS = {"records": [{"connect": True, "reply": False, "brandName": "Aurela"}]}


@pytest.mark.parametrize(
    "asked", [{"creatorId": "7341"}, {"creator_username": "dani"}, {"creatorName": "x", "limit": 200}]
)
async def test_a_history_is_asked_of_a_worker_and_told(asked: Any) -> None:
    world = answering(RECORDS)
    response = await world.post(HISTORY, asked)
    assert (response.status_code, response.json()["data"]) == (200, RECORDS)
    assert world.publisher.last.key == "creators.history.tell"


@pytest.mark.parametrize("asked", [{}, {"limit": 5}, {"creatorId": "  "}])
async def test_a_history_of_nobody_is_a_400(asked: Any) -> None:
    assert (await answering(RECORDS).post(HISTORY, asked)).status_code == 400


@pytest.mark.parametrize("limit", [0, 201, "many"])
async def test_a_history_has_a_length(limit: Any) -> None:
    assert (await answering(RECORDS).post(HISTORY, {"creatorId": "1", "limit": limit})).status_code == 422


async def test_a_history_without_an_answer_is_asked_for_again() -> None:
    response = await World().post(HISTORY, {"creatorId": "7341"})
    assert response.status_code == 503
    assert response.headers["retry-after"]
