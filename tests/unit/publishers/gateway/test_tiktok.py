"""What TikTok signed is published as it came and confirmed before the answer; nothing else is."""

import asyncio
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from brokers.outgoing import Outgoing
from brokers.topology import REPLIES_WEBHOOKS_TAKE
from publishers.gateway import tiktok
from publishers.gateway.signature import sign
from publishers.gateway.tiktok import MOST_BYTES, PATH, Webhook
from schemas.replies.messages import TakeWebhook
from schemas.replies.tiktok import read
from tests.build.gateway import World
from tests.build.tiktok import LEGACY, SECRET, SIGNED, SIGNED_AT, VECTOR, envelope
from tests.fakes.gateway import FakePublisher, FakeSeen

AT = datetime.fromtimestamp(SIGNED_AT, UTC)


def hearing(at: datetime = AT, seen: FakeSeen | None = None, **values: Any) -> World:
    """Return a world that knows TikTok's secret."""
    return World(webhook=Webhook([SECRET], seen=seen or FakeSeen(), clock=lambda: at), **values)


async def post(
    world: World, body: bytes = VECTOR, signature: str | None = SIGNED, headers: dict[str, str] | None = None
) -> httpx.Response:
    """Post as TikTok does, without a token of ours."""
    signed = {} if signature is None else {"Tiktok-Signature": signature}
    async with world.client({}) as client:
        return await client.post(PATH, content=body, headers={**signed, **(headers or {})})


async def test_a_signed_notification_is_published_byte_by_byte() -> None:
    world = hearing()
    response = await post(world, headers={"X-Tt-Logid": "log-1"})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    (message,) = world.publisher.published
    partition = REPLIES_WEBHOOKS_TAKE.partition_of("cv+Q2x1==")
    assert (message.exchange, message.key) == ("replies.topic", f"replies.webhooks.take.{partition}")
    told = TakeWebhook.model_validate_json(message.body)
    assert told.raw == VECTOR
    assert (told.conversation_id, told.dedup_key) == ("cv+Q2x1==", read(VECTOR).dedup_key)
    assert (told.received_at, told.signed_at, told.log_id) == (AT, AT, "log-1")


async def test_the_published_body_is_plain_base64() -> None:
    world = hearing()
    await post(world)
    assert b64decode(orjson.loads(world.publisher.last.body)["raw"]) == VECTOR


@pytest.mark.parametrize("seconds", [-301, 301])
async def test_an_old_or_early_signature_is_refused(seconds: int) -> None:
    world = hearing(AT + timedelta(seconds=seconds))
    assert (await post(world)).status_code == 401
    assert not world.publisher.published


@pytest.mark.parametrize("signature", [None, "", SIGNED.replace("7", "8"), f"t={SIGNED_AT}"])
async def test_without_a_good_signature_nothing_is_published(signature: str | None) -> None:
    world = hearing()
    response = await post(world, signature=signature)
    assert response.status_code == 401
    assert not world.publisher.published


async def test_a_service_token_is_no_signature() -> None:
    world = hearing()
    assert (await world.post(PATH, VECTOR)).status_code == 401
    assert (await world.post(PATH, VECTOR, {"X-TikTok-Signature": SIGNED})).status_code == 401


async def test_a_changed_byte_and_parts_in_another_order() -> None:
    world = hearing()
    assert (await post(world, VECTOR.replace(b"still", b"Still"))).status_code == 401
    swapped = ",".join(reversed(SIGNED.split(",")))
    assert (await post(world, signature=swapped)).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"not JSON", b"[]", b"\xff\x00", LEGACY, envelope("{}", "new"), b'{"event_id": 7, "data": {}}']
)
async def test_what_no_repetition_can_mend_is_taken(body: bytes) -> None:
    world = hearing()
    response = await post(world, body, sign(body, SECRET, SIGNED_AT), {"Content-Type": "text/plain"})
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert TakeWebhook.model_validate_json(world.publisher.last.body).raw == body


async def test_a_copy_is_answered_and_published_no_more() -> None:
    world = hearing(seen=FakeSeen())
    assert {(await post(world)).status_code for _ in range(3)} == {200}
    assert len(world.publisher.published) == 1


async def test_what_was_not_confirmed_is_not_taken_for_a_copy() -> None:
    world = hearing()
    world.publisher.is_away = True
    response = await post(world)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    world.publisher.is_away = False
    assert (await post(world)).status_code == 200
    assert len(world.publisher.published) == 1


async def test_a_broker_that_dawdles_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(FakePublisher):
        async def publish(self, message: Outgoing) -> None:  # noqa: ARG002 -- as the real one
            await asyncio.Event().wait()

    monkeypatch.setattr(tiktok, "DEADLINE", timedelta(milliseconds=10))
    assert (await post(hearing(publisher=Slow()))).status_code == 503


async def test_a_body_that_is_too_large_is_refused() -> None:
    body = b" " * (MOST_BYTES + 1)
    assert (await post(hearing(), body, sign(body, SECRET, SIGNED_AT))).status_code == 413
    body = body[1:]
    assert (await post(hearing(), body, sign(body, SECRET, SIGNED_AT))).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_there_is_no_handshake(method: str) -> None:
    async with hearing().client({}) as client:
        response = await client.request(method, f"{PATH}?hub_mode=subscribe&hub_challenge=8841")
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert "8841" not in response.text


async def test_without_a_secret_there_is_no_route() -> None:
    assert (await post(World())).status_code == 401
    assert (await World().post(PATH, VECTOR)).status_code == 404
    for secrets in ([], [b""]):
        with pytest.raises(ValueError, match="secret"):
            _ = World(webhook=Webhook(secrets)).app


async def test_the_log_tells_ids_and_sizes_only() -> None:
    with capture_logs() as lines:
        world = hearing()
        await post(world)
        await post(world, signature=f"{SIGNED}0")
    told = str(lines)
    assert "webhook_received" in told
    for secret in ("still there", "TH-P-001", SIGNED[20:60], SECRET.decode(), "wanjiru"):
        assert secret not in told
