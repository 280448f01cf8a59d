from datetime import UTC, datetime

from brokers.status import State, Status
from tests.build.gateway import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_done_message_tells_its_result() -> None:
    world = World()
    await world.board.record([Status("a", State.DONE, "samples.ingest", {"inserted": 1}, None, NOON)])
    response = await world.get("/messages/a")
    assert response.status_code == 200
    assert response.json()["data"] == {
        "messageId": "a",
        "state": "done",
        "at": "2026-03-01T12:00:00+00:00",
        "result": {"inserted": 1},
    }


async def test_a_dead_message_tells_why() -> None:
    world = World()
    await world.board.record([Status("a", State.DEAD, reason="not a crawl", at=NOON)])
    told = (await world.get("/messages/a")).json()["data"]
    assert (told["state"], told["reason"]) == ("dead", "not a crawl")


async def test_an_unknown_message_is_a_404() -> None:
    response = await World().get("/messages/nobody")
    assert (response.status_code, response.json()["code"]) == (404, 404)


async def test_without_its_board_the_answer_is_a_503() -> None:
    world = World()
    world.board.is_away = True
    response = await world.get("/messages/a")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
