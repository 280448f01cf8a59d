"""What operators can see of the relay, whatever happens to it, holds no secret and names nobody."""

import io
import json
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import generate_latest
from starlette.responses import Response

from deploy.sandbox.standin import TOKEN, answer
from mesh import logs
from persistence.migrate import upgrade
from tests.build.broker import eventually
from tests.build.relay import KEY
from tests.build.world import AUTH, LOGIN, PERSON, World, item, opened

GUESS = "oms:what-somebody-guessed"
SECRETS = (TOKEN, KEY, LOGIN.partition(":")[2], AUTH["Authorization"].partition(" ")[2], GUESS.partition(":")[2])
#: A vendor whose refusals repeat whatever they were sent.
ECHO: dict[str, Any] = {"error": {"message": f"{TOKEN} may not write {PERSON['email']}", "code": 1}}


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Everything that a process logs at its lowest level, what libraries say included."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("debug", "json", stream)
    yield stream
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


@pytest.fixture
async def world(vhost: str, tmp_path: Path, logged: io.StringIO) -> AsyncIterator[World]:  # noqa: ARG001 -- it begins first
    url = f"sqlite:///{tmp_path / 'mesh.db'}"
    await upgrade(url)
    async with opened(vhost, url) as world:
        yield world


async def kept(world: World) -> str:
    """Everything that is written down of what was done, beside what producers sent."""
    found: list[Any] = []
    for column, table in (
        ("request", "event_attempts"),
        ("response_body", "event_attempts"),
        ("error_message", "event_attempts"),
        ("reason", "deliveries"),
        ("paused_reason", "destinations"),
        ("last_error", "platform_credentials"),
        ("error_message", "marketing_events"),
        ("body", "outbox"),
    ):
        found += await world.execute(f"SELECT {column} FROM {table}")
    return f"{found}"


async def attempts(world: World, status: str) -> int:
    rows = await world.execute("SELECT COUNT(*) FROM event_attempts WHERE status = :status", status=status)
    return int(rows[0][0])


async def test_no_secret_and_no_person_is_logged_kept_or_counted(world: World, logged: io.StringIO) -> None:
    def echo() -> Response:
        return answer(500, ECHO)

    await world.shop()
    for standin in (world.meta, world.sgtm):
        standin.broken = echo  # type: ignore[method-assign]
        standin.set_faults(error_rate_500=1)
    page = {"count": 1, "data": [item(event_source_url=f"https://bosley.example/?email={PERSON['email']}")]}
    await world.post(page)
    await eventually(lambda: _are(world, "failed", 2))
    for standin in (world.meta, world.sgtm):
        standin.set_faults()
    await world.delivered(2)
    guess = {"Authorization": f"Basic {b64encode(GUESS.encode()).decode()}"}
    refused = await world.client.post("/v1/events", content=json.dumps(page), headers=guess)
    assert refused.status_code == 401
    await world.execute("UPDATE platform_credentials SET credentials_encrypted = 'gAAAAA-no-key-opens-this'")
    await world.post({"count": 1, "data": [item("LX-2")]})
    await eventually(lambda: _is_paused(world))
    assert ECHO["error"]["message"].split()[1:4] == ["may", "not", "write"]
    seen = {"logs": logged.getvalue(), "rows": await kept(world), "metrics": generate_latest().decode()}
    assert "may not write" in seen["rows"], "what the vendor said is kept, less the secrets"
    assert "destination_paused" in seen["logs"]
    for place, text in (*seen.items(), ("the refusal", refused.text)):
        for secret in (*SECRETS, PERSON["email"]):
            assert secret not in text, f"{secret} is in the {place}"


async def _are(world: World, status: str, count: int) -> bool:
    return await attempts(world, status) >= count


async def _is_paused(world: World) -> bool:
    rows = await world.execute("SELECT paused_reason FROM destinations WHERE paused_reason LIKE '%key%'")
    return bool(rows)
