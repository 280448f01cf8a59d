import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from brokers.status import State
from publishers.gateway.envelope import Accepted, Envelope
from publishers.gateway.ports import Limits
from tests.build.gateway import NEXT_TOKEN, World, crawl

PATH = "/samples/ingest"
ONE = {"inserted": 1, "products": 1}


def stored(result: Any = ONE) -> World:
    """Return a world whose worker stores everything."""
    world = World()
    world.answers.done(result)
    return world


async def test_the_result_is_told_in_the_envelope() -> None:
    response = await stored().post(PATH, crawl())
    assert response.status_code == 200
    assert response.json() == {"code": 200, "msg": "success", "data": {"inserted": 1, "products": 1}}


async def test_the_received_bytes_are_published_as_they_came() -> None:
    world = stored()
    body = b'{ "rows":[{"platformProductId":"1","note":"\xf0\x9f\xa7\xb4 \\u0000"}], "source":"x",\n"more": [1.50] }'
    assert (await world.post(PATH, body)).status_code == 200
    assert world.publisher.last.body == body


async def test_the_message_goes_to_its_command_with_everything_a_worker_needs() -> None:
    world = stored()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await world.post(PATH, crawl(), {"X-Request-Id": "crawl-7/a", "traceparent": trace})
    message = world.publisher.last
    assert (message.exchange, message.key, message.type) == ("samples.topic", "samples.ingest", "IngestSamples")
    assert (message.reply_to, message.correlation_id) == ("mesh.answers.here", "crawl-7/a")
    assert message.headers == {"x-track": 1, "traceparent": trace}
    assert UUID(message.message_id).version == 7
    assert world.answers.expected == [message.message_id]


async def test_snake_case_is_accepted() -> None:
    assert (await stored().post(PATH, crawl(operator_id="me"))).status_code == 200


async def test_rejected_rows_are_told_beside_the_good_ones() -> None:
    result = {**ONE, "rejected": [{"index": 3, "field": "stock", "reason": "is not a number"}]}
    response = await stored(result).post(PATH, crawl())
    assert response.status_code == 200
    assert response.json()["data"] == result


async def test_a_crawl_of_only_bad_rows_is_a_422_that_names_their_fields() -> None:
    bad = {"index": 0, "field": "platformProductId", "reason": "is missing"}
    response = await stored({"inserted": 0, "products": 0, "rejected": [bad]}).post(PATH, crawl())
    assert response.status_code == 422
    assert response.json()["data"] == {"details": [{"field": "rows.0.platformProductId", "reason": "is missing"}]}


async def test_a_rejected_message_is_a_422_with_the_reason() -> None:
    world = World()
    world.answers.dead("nothing of it makes sense", "Reject")
    response = await world.post(PATH, crawl())
    assert response.status_code == 422
    assert response.json()["data"] == {"details": [{"field": "body", "reason": "nothing of it makes sense"}]}


async def test_a_bug_in_the_worker_is_a_500_that_tells_nothing() -> None:
    world = World()
    world.answers.dead("KeyError: 'hush' in line 7", "KeyError")
    response = await world.post(PATH, crawl())
    assert response.status_code == 500
    assert "hush" not in response.text


async def test_no_answer_in_time_is_a_202_with_where_to_ask() -> None:
    world = World()
    response = await world.post(PATH, crawl())
    message_id = world.publisher.last.message_id
    assert response.status_code == 202
    assert Envelope[Accepted].model_validate(response.json()).data.message_id == message_id
    assert response.headers["location"] == f"/messages/{message_id}"
    assert response.json() == {
        "code": 202,
        "msg": "accepted",
        "data": {"messageId": message_id, "statusUrl": f"/messages/{message_id}"},
    }


async def test_an_accepted_message_can_be_asked_for_at_once() -> None:
    world = World()
    told = (await world.post(PATH, crawl(), {"Prefer": "respond-async"})).json()["data"]
    asked = (await world.get(told["statusUrl"])).json()["data"]
    assert (asked["messageId"], asked["state"]) == (told["messageId"], "accepted")


async def test_a_result_in_time_costs_the_status_board_nothing() -> None:
    world = stored()
    await world.post(PATH, crawl())
    assert not world.board.kept


async def test_a_dead_status_board_stops_nothing() -> None:
    world = World()
    world.board.is_away = True
    assert (await world.post(PATH, crawl())).status_code == 202


async def test_respond_async_does_not_wait() -> None:
    world = stored()
    response = await world.post(PATH, crawl(), {"Prefer": "respond-async"})
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "respond-async"
    assert not world.answers.expected
    assert world.publisher.last.reply_to is None


@pytest.mark.parametrize(
    ("prefer", "waited", "applied"),
    [
        ("wait=3", 3, "wait=3"),
        ("wait=600", 10, "wait=10"),
        ("respond-async, wait=2", 2, "respond-async, wait=2"),
        ("handling=lenient; x=1, WAIT = 4", 4, "wait=4"),
        ("wait=1, wait=9", 1, "wait=1"),
        ("wait=soon", 10, None),
        ("wait=-1", 10, None),
        ("wait=99999999999999999999", 10, None),
        ("", 10, None),
    ],
)
async def test_the_caller_says_how_long_it_waits(prefer: str, waited: int, applied: str | None) -> None:
    world = stored()
    response = await world.post(PATH, crawl(), {"Prefer": prefer})
    assert world.answers.waited == [timedelta(seconds=waited)]
    assert response.headers.get("preference-applied") == applied


async def test_the_longest_wait_is_a_setting() -> None:
    world = World(limits=Limits(max_wait=timedelta(seconds=1)))
    await world.post(PATH, crawl(), {"Prefer": "wait=5"})
    assert world.answers.waited == [timedelta(seconds=1)]


async def test_without_a_place_for_the_answer_the_message_is_still_taken() -> None:
    world = stored()
    world.answers.reply_to = None
    assert (await world.post(PATH, crawl())).status_code == 202
    assert not world.answers.waited


@pytest.mark.parametrize("prefer", ["wait=1", "respond-async"])
async def test_a_broker_that_does_not_confirm_is_a_503(prefer: str) -> None:
    world = stored()
    world.publisher.is_away = True
    response = await world.post(PATH, crawl(), {"Prefer": prefer})
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.json()["data"] is None
    assert "hush" not in response.text
    assert not world.board.kept


async def test_the_same_idempotency_key_is_the_same_message() -> None:
    world = stored()
    for _ in range(2):
        await world.post(PATH, crawl(), {"Idempotency-Key": "page-7"})
    first, second = world.publisher.published
    assert first.message_id == second.message_id
    assert UUID(first.message_id).version == 5


async def test_another_key_or_another_caller_is_another_message() -> None:
    world = stored()
    await world.post(PATH, crawl(), {"Idempotency-Key": "page-7"})
    await world.post(PATH, crawl(), {"Idempotency-Key": "page-8"})
    async with world.client({"X-INFound-Inner-Service-Token": NEXT_TOKEN, "Idempotency-Key": "page-7"}) as client:
        await client.post(PATH, json=crawl())
    await world.post(PATH, crawl())
    await world.post(PATH, crawl())
    assert len({message.message_id for message in world.publisher.published}) == 5


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "tab\t", "é"])
async def test_an_idempotency_key_that_cannot_be_kept_is_a_400(key: str) -> None:
    world = stored()
    async with world.client() as client:
        response = await client.post(PATH, json=crawl(), headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    assert response.status_code == 400
    assert not world.publisher.published


async def test_ten_thousand_rows_are_taken() -> None:
    rows = [{"platformProductId": str(i), "productName": "n" * 200} for i in range(10_000)]
    world = stored({"inserted": 10_000, "products": 10_000})
    assert (await world.post(PATH, crawl(rows=rows))).status_code == 200
    assert len(json.loads(world.publisher.last.body)["rows"]) == 10_000


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rows": [{}]}, "source"),
        ({"source": "", "rows": [{}]}, "source"),
        ({"source": "x"}, "rows"),
        ({"source": "x", "rows": []}, "rows"),
        ({"source": "x", "rows": [{}, 7]}, "rows.1"),
        ({"source": "x", "rows": {}}, "rows"),
        ({"source": "x", "rows": [{}], "options": []}, "options"),
        ([], "body"),
        ("text", "body"),
        (None, "body"),
    ],
)
async def test_a_wrong_shape_is_a_422_that_names_the_field(body: Any, field: str) -> None:
    world = stored()
    response = await world.post(PATH, json.dumps(body).encode())
    answer = response.json()
    assert (response.status_code, answer["code"]) == (422, 422)
    assert [detail["field"] for detail in answer["data"]["details"]] == [field]
    assert all(detail["reason"] for detail in answer["data"]["details"])
    assert not world.publisher.published


async def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    response = await stored().post(PATH, {"source": "x", "rows": ["a secret"]})
    assert "a secret" not in response.text


async def test_the_details_of_a_hopeless_body_are_bounded() -> None:
    response = await stored().post(PATH, {"source": "x", "rows": [1] * 5000})
    assert len(response.json()["data"]["details"]) == 100


def test_the_states_of_an_answer_are_those_of_the_board() -> None:
    assert (State.DONE, State.DEAD) == ("done", "dead")
