import json
from typing import Any

import pytest

from schemas.chatbot.messages import MAX_TASKS
from tests.build.gateway import World, task

PATH = "/chatbot/messages"


async def test_the_count_is_told_in_the_envelope() -> None:
    response = await World().post(PATH, [task(), task()])
    assert response.status_code == 200
    assert response.json() == {"code": 200, "msg": "success", "data": {"count": 2}}


async def test_each_task_is_a_message_of_its_own() -> None:
    world = World()
    await world.post(PATH, [task(region="MX"), task(region="BR", sampleId=None, mood={"kept": 1})])
    first, second = world.publisher.published
    assert [json.loads(first.body)[0]["region"], len(json.loads(first.body))] == ["MX", 1]
    assert json.loads(second.body) == [
        {
            "platformCreatorId": "7495",
            "messages": [{"type": "text", "content": "Hola 👋"}],
            "region": "BR",
            "mood": {"kept": 1},
        }
    ]
    assert (second.exchange, second.key) == ("chatbot.topic", "chatbot.sample.batch")
    assert second.headers["task_id"] == second.message_id
    assert second.headers["task_count"] == 1
    assert first.message_id != second.message_id


async def test_a_task_keeps_the_id_it_was_given() -> None:
    world = World()
    await world.post(PATH, [task(taskId="T-1")])
    assert world.publisher.last.headers["task_id"] == "T-1"


async def test_an_empty_array_is_a_400() -> None:
    response = await World().post(PATH, [])
    assert (response.status_code, response.json()["code"]) == (400, 400)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([task(messages=[{"content": "a"}, {"content": ""}])], "0.messages.1.content"),
        ([task(), task(messages=[])], "1.messages"),
        ([{"messages": [{"content": "a"}]}], "0.platformCreatorId"),
        ([7], "0"),
        (task(), "body"),
        ([task()] * (MAX_TASKS + 1), "body"),
    ],
)
async def test_a_wrong_task_is_a_422_that_names_the_field_and_sends_nothing(body: Any, field: str) -> None:
    world = World()
    response = await world.post(PATH, body)
    assert response.status_code == 422
    assert [detail["field"] for detail in response.json()["data"]["details"]] == [field]
    assert not world.publisher.published


async def test_what_was_not_confirmed_is_a_503_that_says_what_is_queued() -> None:
    world = World()
    world.publisher.refused = {1}
    response = await world.post(PATH, [task(), task(), task()])
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["data"] == {"queued": [0, 2], "failed": [1]}


async def test_a_retry_under_the_same_key_repeats_the_same_messages() -> None:
    world = World()
    world.publisher.refused = {1}
    await world.post(PATH, [task(), task()], {"Idempotency-Key": "k"})
    world.publisher.refused = set()
    assert (await world.post(PATH, [task(), task()], {"Idempotency-Key": "k"})).status_code == 200
    ids = [message.message_id for message in world.publisher.published]
    assert len(ids) == 3
    assert len(set(ids)) == 2


async def test_the_ids_are_told_to_who_prefers_it_and_can_be_asked_for_at_once() -> None:
    world = World()
    response = await world.post(PATH, [task(), task()], {"Prefer": "return=representation"})
    assert response.headers["preference-applied"] == "return=representation"
    ids = response.json()["data"]["messageIds"]
    assert ids == [message.message_id for message in world.publisher.published]
    assert (await world.get(f"/messages/{ids[1]}")).json()["data"]["state"] == "accepted"
