"""TikTok's stand-in sends webhooks as TikTok does, and the model's answers in the manner it is told."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.sandbox.model import Model
from deploy.sandbox.standin import TOKEN, Standin
from deploy.sandbox.tiktok_messages import BUSINESS, TikTokMessages
from deploy.sandbox.tiktok_webhooks import DAYS, signature, waits
from publishers.gateway.signature import verify
from schemas.replies.intents import Guess
from schemas.replies.tiktok import Kind, read
from tests.build.broker import eventually
from tests.build.sandbox import standing_in
from tests.build.tiktok import SECRET, SIGNED, SIGNED_AT, VECTOR

SEND = "/open_api/v1.3/business/message/send/"


class Listener(Standin):
    """Whoever the webhooks are for."""

    name = "listener"

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []
        self.headers: list[str] = []
        self.refuses = 0
        self.app = Starlette(routes=[Route("/webhook", self.hear, methods=["POST"])])

    async def hear(self, request: Request) -> Response:
        body = await request.body()
        if self.refuses:
            self.refuses -= 1
            return Response(status_code=503)
        self.bodies.append(body)
        self.headers.append(request.headers["tiktok-signature"])
        return Response(status_code=200)

    @property
    def texts(self) -> list[str]:
        return [json.loads(json.loads(each)["content"])["text"]["body"] for each in self.bodies]


@asynccontextmanager
async def tiktok(**app: Any) -> AsyncIterator[tuple[httpx.AsyncClient, Listener, TikTokMessages]]:
    listener, standin = Listener(), TikTokMessages()
    async with standing_in(listener) as there, standing_in(standin) as here, httpx.AsyncClient(base_url=here) as client:
        values = {"callback_url": f"{there}/webhook", "client_key": "key", "client_secret": SECRET.decode(), **app}
        assert (await client.post("/_sandbox/app", json=values)).status_code == 200
        yield client, listener, standin
        await standin.postman.close()


def said(text: str, **values: Any) -> dict[str, Any]:
    return {"conversation_id": "cv+1==", "user_id": "usr-1", "text": text, **values}


def test_it_signs_as_tiktok_documents() -> None:
    assert signature(VECTOR, SECRET.decode(), SIGNED_AT) == SIGNED


def test_what_is_not_taken_is_sent_again_for_72_hours() -> None:
    assert sum(waits()) == DAYS
    assert list(waits())[:3] == [60, 120, 240]


async def test_a_customers_message_is_notified_of_with_a_signature_that_the_gateway_takes() -> None:
    async with tiktok() as (client, listener, _):
        await client.post("/_sandbox/write", json=[said("hi")])
        await eventually(lambda: listener.bodies)
    now, tolerance = datetime.now(UTC), timedelta(seconds=60)
    verify(listener.headers[0].encode(), listener.bodies[0], [SECRET], now=now, tolerance=tolerance)
    heard = read(listener.bodies[0])
    assert (heard.kind, heard.conversation_id, heard.user_id, heard.text) == (Kind.MESSAGE, "cv+1==", "usr-1", "hi")
    assert heard.business_id == BUSINESS


async def test_what_was_refused_comes_again_and_what_was_taken_does_not() -> None:
    async with tiktok(speed=3600) as (client, listener, _):
        listener.refuses = 2
        await client.post("/_sandbox/write", json=[said("hi")])
        await eventually(lambda: listener.bodies)
        told = (await client.get("/_sandbox/notices")).json()
    assert (told["taken"], told["answers"], len(listener.bodies)) == (1, {"503": 2, "200": 1}, 1)


async def test_after_72_hours_a_notification_is_dropped() -> None:
    async with tiktok(speed=5e6) as (client, listener, _):
        listener.refuses = 10**6
        await client.post("/_sandbox/write", json=[said("hi")])

        async def is_dropped() -> bool:
            return bool((await client.get("/_sandbox/notices")).json()["dropped"])

        await eventually(is_dropped)


async def test_copies_come_in_any_order() -> None:
    texts = [str(number) for number in range(20)]
    async with tiktok(copies=2, is_shuffled=True, concurrency=1) as (client, listener, _):
        await client.post("/_sandbox/write", json=[said(each) for each in texts])
        await eventually(lambda: len(listener.bodies) == 40)
    assert sorted(listener.texts) == sorted(texts * 2)
    assert listener.texts != sorted(listener.texts)


async def test_the_shops_messages_are_echoed_and_a_persons_too() -> None:
    async with tiktok() as (client, listener, _):
        await client.post("/_sandbox/write", json=[said("hi")])
        body = {
            "business_id": BUSINESS,
            "recipient_type": "CONVERSATION",
            "recipient": "cv+1==",
            "message_type": "TEXT",
            "text": {"body": "hello"},
        }
        sent = await client.post(SEND, json=body, headers={"Access-Token": TOKEN})
        assert sent.json()["code"] == 0
        await client.post("/_sandbox/write", json=[said("it is me", by="person")])
        await eventually(lambda: len(listener.bodies) == 3)
        talk = (await client.get("/_sandbox/talk", params={"conversation_id": "cv+1=="})).json()
    assert [(each["by"], each["text"]) for each in talk] == [
        ("customer", "hi"),
        ("shop", "hello"),
        ("person", "it is me"),
    ]
    heard = {read(each).text: read(each) for each in listener.bodies}
    assert heard["hello"].kind is heard["it is me"].kind is Kind.ECHO
    assert (heard["hello"].source, heard["it is me"].source) == ("API", "APP")


async def test_anything_else_is_notified_of_as_it_is_told() -> None:
    async with tiktok() as (client, listener, _):
        told = {"event": "authorization.removed", "content": {"reason": 1}}
        await client.post("/_sandbox/notify", json=told)
        await eventually(lambda: listener.bodies)
    assert read(listener.bodies[0]).kind is Kind.REMOVED


@pytest.mark.parametrize("manner", ["recorded", "lying"])
async def test_the_models_answers_have_every_field(manner: str) -> None:
    async with standing_in(Model()) as url, httpx.AsyncClient(base_url=url) as client:
        await client.post("/_sandbox/manner", json={"manner": manner})
        asked = {"model": "m", "messages": [{"role": "user", "content": "where is my order"}]}
        answered = await client.post("/v1/chat/completions", json=asked, headers={"authorization": f"Bearer {TOKEN}"})
    (choice,) = answered.json()["choices"]
    read_as = Guess.model_validate_json(choice["message"]["content"])
    assert read_as.intent == ("ORDER_STATUS" if manner == "recorded" else "AVAILABILITY")


@pytest.mark.parametrize(("manner", "status"), [("500", 500), ("quota", 429), ("refusing", 200), ("hanging", 200)])
async def test_the_model_fails_as_it_is_told(manner: str, status: int) -> None:
    model = Model()
    model.set_faults(hang_s=0.2)
    async with standing_in(model) as url, httpx.AsyncClient(base_url=url) as client:
        await client.post("/_sandbox/manner", json={"manner": manner})
        began = time.monotonic()
        asked = {"messages": [{"role": "user", "content": "hi"}]}
        answered = await client.post("/v1/chat/completions", json=asked, headers={"authorization": f"Bearer {TOKEN}"})
    assert answered.status_code == status
    assert manner != "hanging" or time.monotonic() - began >= 0.2
