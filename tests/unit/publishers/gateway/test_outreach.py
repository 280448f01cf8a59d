"""The routes of outreach."""

import json
from typing import Any

import pytest

from schemas.outreach.messages import MAX_CONTACTS
from tests.build.gateway import World

TASKS, PROGRESS = "/outreach_tasks/ingest", "/outreach_tasks/progress"
MESSAGES, CONTROL = "/chatbot/outreach/messages", "/chatbot/outreach/control"
TASK = {"source": "portal", "task": {"taskId": "T-1", "status": "running"}}
CREATOR = {"platformCreatorId": "7341", "outreachTaskId": "T-1"}


async def test_a_task_is_stored_and_its_id_told() -> None:
    world = World()
    world.answers.done({"taskId": "T-1"})
    response = await world.post(TASKS, TASK)
    assert (response.status_code, response.json()["data"]) == (200, {"taskId": "T-1"})
    message = world.publisher.last
    assert (message.exchange, message.key) == ("outreach.topic", "outreach.tasks.ingest")
    assert json.loads(message.body) == TASK


@pytest.mark.parametrize("body", [{}, {"task": "x"}, {"task": None}, {"task": {"a": "x" * 300_000}}])
async def test_what_is_no_task_is_a_422(body: Any) -> None:
    assert (await World().post(TASKS, body)).status_code == 422


async def test_progress_is_told() -> None:
    world = World()
    world.answers.done({"taskId": "T-1", "newCreatorsRealCount": 3})
    response = await world.post(PROGRESS, {"taskId": "T-1"})
    assert response.json()["data"] == {"taskId": "T-1", "newCreatorsRealCount": 3}
    assert world.publisher.last.key == "outreach.tasks.progress"


async def test_progress_of_a_task_that_is_not_there_is_a_400() -> None:
    world = World()
    world.answers.dead("Outreach task not found", "Reject")
    response = await world.post(PROGRESS, {"taskId": "T-9"})
    assert (response.status_code, response.json()["msg"]) == (400, "Outreach task not found")


@pytest.mark.parametrize("body", [{"taskId": ""}, {"taskId": "T", "delta": 0}, {"delta": 1}])
async def test_progress_is_a_count_of_a_task(body: Any) -> None:
    assert (await World().post(PROGRESS, body)).status_code == 422


async def test_each_creator_is_a_message_of_its_own() -> None:
    world = World()
    response = await world.post(MESSAGES, [CREATOR, {**CREATOR, "creatorName": "Dani", "taskId": "own"}])
    assert (response.status_code, response.json()["data"]) == (200, {"count": 2})
    first, second = world.publisher.published
    assert (first.exchange, first.key) == ("outreach.topic", "outreach.contacts.decide")
    assert json.loads(second.body) == [{**CREATOR, "platformCreatorDisplayName": "Dani", "taskId": "own"}]
    assert second.headers["task_id"] == "own"


async def test_nobody_to_contact_is_a_400() -> None:
    assert (await World().post(MESSAGES, [])).status_code == 400


@pytest.mark.parametrize(("body", "field"), [([{}], "0.platformCreatorId"), ([CREATOR] * (MAX_CONTACTS + 1), "body")])
async def test_a_wrong_creator_is_a_422_that_names_the_field(body: Any, field: str) -> None:
    response = await World().post(MESSAGES, body)
    assert (response.status_code, response.json()["data"]["details"][0]["field"]) == (422, field)


async def test_creators_that_were_not_confirmed_are_told_by_their_places() -> None:
    world = World()
    world.publisher.refused = {1}
    response = await world.post(MESSAGES, [CREATOR, CREATOR, CREATOR])
    assert (response.status_code, response.json()["data"]) == (503, {"queued": [0, 2], "failed": [1]})


@pytest.mark.parametrize("action", ["start", "end", "pause", "resume", "cancel"])
async def test_a_task_is_controlled_by_a_message(action: str) -> None:
    world = World()
    response = await world.post(CONTROL, {"action": action, "taskId": "T-1"})
    assert (response.status_code, response.json()["data"]) == (200, {"count": 1})
    assert world.publisher.last.key == "outreach.tasks.control"


async def test_a_control_may_be_followed_by_its_id() -> None:
    world = World()
    response = await world.post(CONTROL, {"action": "end", "taskId": "T"}, {"Prefer": "return=representation"})
    assert response.json()["data"]["messageIds"] == [world.publisher.last.message_id]


@pytest.mark.parametrize("body", [{"action": "stop", "taskId": "T"}, {"action": "end"}, []])
async def test_what_cannot_be_done_is_a_422(body: Any) -> None:
    assert (await World().post(CONTROL, body)).status_code == 422


@pytest.mark.parametrize(("path", "body"), [(CONTROL, {"action": "end", "taskId": "T"}), (TASKS, TASK)])
async def test_a_broker_that_is_away_is_a_503(path: str, body: Any) -> None:
    world = World()
    world.publisher.is_away = True
    response = await world.post(path, body)
    assert response.status_code == 503
    assert "amqp" not in response.text
