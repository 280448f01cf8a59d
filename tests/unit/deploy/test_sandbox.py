"""What every stand-in has in common."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

import deploy.sandbox
from deploy.sandbox.standin import Call, Standin, answer

FRAME = {"standin", "tiktok_talk", "tiktok_webhooks"}


class Acme(Standin):
    """Takes an event that has an id."""

    name = "acme"
    endpoints: ClassVar[Mapping[str, str]] = {"/events": "events_of", "GET /me": "me"}
    window = timedelta(hours=1)

    async def events_of(self, call: Call) -> Response:
        event = call.json()
        if not self.knows(call.bearer):
            return answer(401, {"error": "who are you"})
        if "id" not in event:
            self.drop("no id", event)
        else:
            self.take(event["id"], event)
        return answer(200, {})

    async def me(self, call: Call) -> Response:
        return answer(200, {"token": call.bearer})


@pytest.fixture
def acme() -> Acme:
    return Acme(clock=iter([0.0, 60.0, 2 * 3600.0]).__next__)


@pytest.fixture
def client(acme: Acme) -> Iterator[TestClient]:
    with TestClient(acme.app, headers={"authorization": "Bearer sandbox-token"}) as client:
        yield client


def test_a_repeat_within_the_window_does_not_count_and_one_after_it_does(client: TestClient) -> None:
    for _ in range(3):
        client.post("/events", json={"id": "o-1"})
    (told,) = client.get("/_sandbox/events").json()
    assert told == {
        "id": "o-1",
        "count": 3,
        "conversions": 2,
        "first_at": 0.0,
        "last_at": 7200.0,
        "event": {"id": "o-1"},
    }


def test_what_it_was_told_is_counted(client: TestClient) -> None:
    client.post("/events", json={"id": "o-1"})
    client.post("/events", json={})
    client.post("/events", json={"id": "o-2"}, headers={"authorization": "Bearer wrong"})
    assert client.get("/_sandbox/counts").json() == {
        "calls": 3,
        "events": 1,
        "ids": 1,
        "conversions": 1,
        "repeats": 0,
        "refused": 1,
        "dropped": 1,
        "faults": 0,
    }
    assert client.get("/_sandbox/dropped").json() == [{"reason": "no id", "event": {}}]


def test_every_second_failure_comes_after_the_work_was_done(client: TestClient) -> None:
    client.post("/_sandbox/faults", json={"error_rate_500": 1})
    assert [client.post("/events", json={"id": f"o-{number}"}).status_code for number in range(2)] == [500, 500]
    assert [each["id"] for each in client.get("/_sandbox/events").json()] == ["o-1"]


def test_it_may_throttle_or_be_down_and_then_takes_nothing(client: TestClient) -> None:
    client.post("/_sandbox/faults", json={"error_rate_429": 1, "retry_after_s": 7})
    throttled = client.post("/events", json={"id": "o-1"})
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "7")
    client.post("/_sandbox/faults", json={"down": True})
    assert client.post("/events", json={"id": "o-1"}).status_code == 503
    assert client.get("/_sandbox/counts").json()["events"] == 0


def test_a_fault_that_there_is_not_is_refused(client: TestClient) -> None:
    assert client.post("/_sandbox/faults", json={"latency": 1}).status_code == 422


def test_it_forgets_when_told(client: TestClient) -> None:
    client.post("/events", json={"id": "o-1"})
    client.post("/_sandbox/faults", json={"down": True})
    client.delete("/_sandbox")
    assert client.get("/_sandbox/events").json() == []
    assert client.get("/me").json() == {"token": "sandbox-token"}


def _vendors() -> list[str]:
    return sorted({each.name for each in pkgutil.iter_modules(deploy.sandbox.__path__)} - FRAME)


@pytest.fixture(params=_vendors())
def vendor(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(f"deploy.sandbox.{request.param}")


def test_each_stand_in_names_the_page_that_it_follows(vendor: Any) -> None:
    assert "https://" in (vendor.__doc__ or "")


def test_a_stand_in_teaches_how_it_is_started() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "deploy.sandbox.meta", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for word in ("--port", "--host", "--token", "/_sandbox/events"):
        assert word in said
