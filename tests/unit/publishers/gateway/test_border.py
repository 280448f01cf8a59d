from typing import Any

import pytest
from structlog.testing import capture_logs

from publishers.gateway.ports import Limits
from publishers.gateway.rate import RateLimit
from tests.build.gateway import AUTH, NEXT_TOKEN, World, crawl


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing/here", 404),
        ("POST", "/samples/ingest/", 404),
        ("GET", "/samples/ingest", 405),
        ("PUT", "/chatbot/messages", 405),
        ("DELETE", "/messages/1", 405),
    ],
)
async def test_a_wrong_path_or_method_is_told_in_the_one_shape(method: str, path: str, status: int) -> None:
    async with World().client() as client:
        response = await client.request(method, path)
    assert response.status_code == status
    assert response.json() == {"code": status, "msg": response.reason_phrase, "data": None}
    assert ("allow" in response.headers) == (status == 405)


class _Buggy:
    async def read(self, message_id: str) -> Any:
        raise ZeroDivisionError(f"hush {message_id}")

    async def publish(self, _: object) -> None:
        raise ZeroDivisionError("hush")


@pytest.mark.parametrize(("method", "path"), [("GET", "/messages/1"), ("POST", "/samples/ingest")])
async def test_a_bug_is_a_500_that_tells_nothing_and_a_log_line_that_tells_all(method: str, path: str) -> None:
    world = World()
    world.board = world.publisher = _Buggy()  # type: ignore[assignment] # as buggy as it gets
    with capture_logs() as logs:
        async with world.client() as client:
            response = await client.request(method, path, json=crawl(), headers={"X-Request-Id": "r1"})
    assert response.status_code == 500
    assert response.json() == {"code": 500, "msg": "Something went wrong on our side", "data": None}
    assert response.headers["x-content-type-options"] == "nosniff"
    bug = next(entry for entry in logs if entry["event"] == "http_request_failed")
    assert (bug["request_id"], bug["exc_info"]) == ("r1", True)


async def test_every_answer_carries_the_security_headers_and_the_request_id() -> None:
    world = World()
    async with world.client({}) as client:
        for path in ("/", "/nothing", "/docs"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-request-id"]


async def test_a_request_id_that_could_forge_a_log_line_is_replaced() -> None:
    async with World().client() as client:
        response = await client.get("/", headers={"X-Request-Id": "a b"})
    assert response.headers["x-request-id"] != "a b"


@pytest.mark.parametrize("trace", ["", "00-zz", "00-" + "0" * 32 + "-b7ad6b7169203331-01"])
async def test_a_malformed_trace_is_not_passed_on(trace: str) -> None:
    world = World()
    await world.post("/samples/ingest", crawl(), {"traceparent": trace})
    assert "traceparent" not in world.publisher.last.headers


async def test_a_request_is_logged_with_its_message() -> None:
    world = World()
    with capture_logs() as logs:
        await world.post("/samples/ingest", crawl(), {"X-Request-Id": "r1"})
    (entry,) = logs
    assert entry.pop("ms") >= 0
    assert entry == {
        "event": "http_request",
        "log_level": "info",
        "method": "POST",
        "route": "/samples/ingest",
        "status": 202,
        "caller": 1,
        "message_id": world.publisher.last.message_id,
        "request_id": "r1",
    }


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_only_noted() -> None:
    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    sent: list[object] = []

    async def send(message: object) -> None:
        sent.append(message)

    headers = [(name.lower().encode(), value.encode()) for name, value in AUTH.items()]
    with capture_logs() as logs:
        await World().app(
            {"type": "http", "method": "POST", "path": "/samples/ingest", "headers": headers}, receive, send
        )
    assert not sent
    assert [entry["status"] for entry in logs] == [499]


async def test_a_token_that_calls_too_often_is_told_when_to_come_back() -> None:
    world = World(limits=Limits(requests_a_minute=2))
    async with world.client() as client:
        answers = [await client.get("/messages/1") for _ in range(3)]
        other = await client.get("/messages/1", headers={"X-INFound-Inner-Service-Token": NEXT_TOKEN})
        probe = await client.get("/health/live")
    assert [answer.status_code for answer in answers] == [404, 404, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 30
    assert answers[2].json() == {"code": 429, "msg": "Too many requests", "data": None}
    assert (other.status_code, probe.status_code) == (404, 200)


def test_a_bucket_refills_with_time_and_never_overflows() -> None:
    clock = [0.0]
    rate = RateLimit(60, lambda: clock[0])
    assert [rate.take(1) for _ in range(60)] == [0.0] * 60
    assert rate.take(1) == pytest.approx(1.0)
    clock[0] = 1.0
    assert rate.take(1) == 0.0
    clock[0] = 10_000.0
    assert [rate.take(1) for _ in range(61)][-1] > 0
