import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from publishers.gateway.app import gateway
from publishers.gateway.auth import Callers
from tests.build.gateway import AUTH, NEXT_TOKEN, TOKEN, World, crawl, task
from tests.fakes.gateway import FakeAnswers, FakePublisher
from tests.fakes.status import FakeStatusBoard

HEADER = "X-INFound-Inner-Service-Token"
GUARDED = [
    ("POST", "/samples/ingest"),
    ("POST", "/chatbot/messages"),
    ("POST", "/creators/ingest"),
    ("POST", "/creators/history"),
    ("POST", "/campaigns/ingest"),
    ("POST", "/products/ingest"),
    ("POST", "/outreach_tasks/ingest"),
    ("POST", "/outreach_tasks/progress"),
    ("POST", "/chatbot/outreach/messages"),
    ("POST", "/chatbot/outreach/control"),
    ("GET", "/messages/1"),
    ("GET", "/nothing/here"),
    ("POST", "/"),
    ("DELETE", "/health/live"),
    ("GET", "/health"),
    ("GET", "/health/live/"),
    ("GET", "/docs/"),
    ("GET", "/%2F"),
    ("GET", "/docs/../messages/1"),
    ("OPTIONS", "/samples/ingest"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("shown", [None, "", "wrong", TOKEN + "x", TOKEN[:-1], f"{TOKEN}, {NEXT_TOKEN}"])
async def test_everything_else_needs_a_valid_token(method: str, path: str, shown: str | None) -> None:
    world = World()
    async with world.client({} if shown is None else {HEADER: shown}) as client:
        response = await client.request(method, path, content=b"{}")
    assert response.status_code == 401
    assert response.json() == {"code": 401, "msg": f"A valid {HEADER} header is required", "data": None}
    assert not world.publisher.published


@pytest.mark.parametrize("path", ["/", "/health/live", "/health/ready", "/metrics", "/docs", "/openapi.json"])
async def test_the_open_paths_need_none(path: str) -> None:
    async with World().client({}) as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("token", [TOKEN, NEXT_TOKEN])
async def test_every_configured_token_is_valid(token: str) -> None:
    world = World()
    async with world.client({HEADER: token}) as client:
        response = await client.post("/samples/ingest", json=crawl(), headers={"Prefer": "respond-async"})
    assert response.status_code == 202


@pytest.mark.parametrize("tokens", [[], [""]])
async def test_without_tokens_every_call_is_refused(tokens: list[str]) -> None:
    app = gateway(FakePublisher(), FakeAnswers(), FakeStatusBoard(), Callers(map(SecretStr, tokens)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mesh") as client:
        assert (await client.get("/messages/1", headers={HEADER: ""})).status_code == 401
        assert (await client.get("/messages/1")).status_code == 401


async def test_two_token_headers_are_not_a_token() -> None:
    async with World().client({}) as client:
        response = await client.get("/messages/1", headers=[(HEADER, TOKEN), (HEADER, TOKEN)])
    assert response.status_code == 401


async def test_no_token_is_ever_logged() -> None:
    world = World()
    with capture_logs() as logs:
        await world.post("/samples/ingest", crawl(), {"Prefer": "respond-async"})
        await world.post("/chatbot/messages", [task()])
        await world.get("/nothing/here")
        async with world.client({HEADER: "a-wrong-token"}) as client:
            await client.get("/messages/1")
        world.publisher.is_away = True
        await world.post("/samples/ingest", crawl())
    assert len(logs) >= 5
    written = str(logs)
    assert TOKEN not in written
    assert "a-wrong-token" not in written
    assert "Hola" not in written


async def test_the_log_says_which_token_it_was() -> None:
    with capture_logs() as logs:
        async with World().client({HEADER: NEXT_TOKEN}) as client:
            await client.get("/messages/1")
    assert [entry["caller"] for entry in logs if entry["event"] == "http_request"] == [2]


async def test_the_app_behind_the_border_has_no_websockets() -> None:
    sent = []

    async def send(message: object) -> None:
        sent.append(message)

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    await World().app({"type": "websocket", "path": "/", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_the_client_of_these_tests_shows_a_valid_token() -> None:
    assert AUTH[HEADER] == TOKEN
