"""The local seller centre behaves as its pages expect, errors included."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from deploy.sandbox.seller_centre.app import BANNED, NO_SESSION, PUZZLE, SellerCentre
from deploy.sandbox.seller_centre.world import World

LIST = "/api/v1/affiliate/partner/sample/records/list"
SEND = "/api/v1/im/message/send"


@pytest.fixture
def centre() -> SellerCentre:
    return SellerCentre(World(samples=120, creators=30))


@pytest.fixture
async def client(centre: SellerCentre) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(centre.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
        await client.post("/passport/email/code/send", json={"email": "mx1@example.com"})
        (mail,) = (await client.get("/_sandbox/mail", params={"to": "mx1@example.com"})).json()
        code = mail["subject"].split()[0]
        answer = await client.post("/passport/email/code/login", json={"email": "mx1@example.com", "code": code})
        assert answer.json()["code"] == 0
        yield client


async def call(client: httpx.AsyncClient, path: str, **asked: Any) -> dict[str, Any]:
    return dict((await client.post(path, json=asked)).json())


async def said(client: httpx.AsyncClient, creator_id: str, content: str) -> dict[str, Any]:
    return await call(client, SEND, creator_id=creator_id, type="text", content=content)


def test_the_same_seed_is_the_same_world() -> None:
    assert World(seed=3).application("completed", 7) == World(seed=3).application("completed", 7)
    assert World(seed=3).application("completed", 7) != World(seed=4).application("completed", 7)


async def test_pages_hold_fifty_and_the_last_one_the_rest(client: httpx.AsyncClient) -> None:
    sizes = [len((await call(client, LIST, tab="completed", page=page))["data"]["list"]) for page in (1, 2, 3, 4)]
    assert sizes == [50, 50, 20, 0]


async def test_a_code_opens_once_and_only_its_own_account(centre: SellerCentre) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(centre.app), base_url="http://site") as stranger:
        await stranger.post("/passport/email/code/send", json={"email": "a@example.com"})
        code = centre.accounts.mails[-1]["subject"].split()[0]
        tries = [("b@example.com", code), ("a@example.com", "WRONG1"), ("a@example.com", code), ("a@example.com", code)]
        answers = [
            await stranger.post("/passport/email/code/login", json={"email": email, "code": typed})
            for email, typed in tries
        ]
    assert [answer.json()["code"] == 0 for answer in answers] == [False, False, True, False]


async def test_a_lost_session_is_sent_to_the_login(client: httpx.AsyncClient) -> None:
    await client.delete("/_sandbox/sessions")
    answer = await client.post(LIST, json={"tab": "completed"})
    assert (answer.status_code, answer.json()["code"]) == (401, NO_SESSION)
    page = await client.get("/affiliate-campaign/sample-requests?tab=completed")
    assert page.headers["location"].startswith("/account/login?redirect=%2Faffiliate-campaign")


async def test_walls_stand_before_pages_and_calls(client: httpx.AsyncClient) -> None:
    await client.post("/_sandbox/faults", json={"captcha": True})
    assert (await call(client, LIST, tab="completed"))["code"] == PUZZLE
    assert "captcha_verify_container" in (await client.get("/home")).text
    await client.post("/_sandbox/faults", json={"banned": ["mx1@example.com"]})
    assert (await call(client, LIST, tab="completed"))["code"] == BANNED
    assert "suspended" in (await client.get("/home")).text


async def test_faults_are_counted_down_and_an_unknown_one_is_refused(client: httpx.AsyncClient) -> None:
    await client.post("/_sandbox/faults", json={"fail_next": {"records": 1}, "throttle_next": {"records": 1}})
    statuses = [(await client.post(LIST, json={"tab": "completed"})).status_code for _ in range(3)]
    assert statuses == [500, 429, 200]
    assert (await client.post("/_sandbox/faults", json={"rain": 1})).status_code == 422


async def test_the_truth_of_a_chat_is_who_was_sent_what_and_how_often(
    centre: SellerCentre, client: httpx.AsyncClient
) -> None:
    one, two = (centre.world.creator(number)["creator_id"] for number in (1, 2))
    for creator_id, content in ((one, "Hola"), (one, "Hola"), (two, "a\nb")):
        assert (await said(client, creator_id, content))["code"] == 0
    await client.post("/_sandbox/replies", json={"creator_id": two, "text": "Sí"})
    truth = {each["creator_id"]: each for each in (await client.get("/_sandbox/chat")).json()}
    assert truth[one]["repeated"] == [{"type": "text", "content": "Hola", "times": 2}]
    assert [each["from"] for each in truth[two]["messages"]] == ["merchant", "creator"]
    assert (await client.get("/_sandbox/chat/counts")).json() == {"creators": 2, "messages": 3, "repeats": 1}


async def test_what_the_chat_refuses_is_not_sent(centre: SellerCentre, client: httpx.AsyncClient) -> None:
    one, two = (centre.world.creator(number)["creator_id"] for number in (1, 2))
    centre.set_faults(chat_unavailable=[one], chat_per_minute=1)
    assert "not accepting" in (await said(client, one, "Hola"))["message"]
    assert (await said(client, two, "x" * 2001))["code"] != 0
    assert (await said(client, two, "Hola"))["code"] == 0
    assert "too fast" in (await said(client, two, "Otra"))["message"]
    assert centre.chats.tally()["messages"] == 1


async def test_forgetting_ends_everything(centre: SellerCentre, client: httpx.AsyncClient) -> None:
    await said(client, centre.world.creator(1)["creator_id"], "Hola")
    assert (await client.delete("/_sandbox")).status_code == 204
    assert (await client.get("/_sandbox/chat")).json() == []
    assert (await client.post(LIST, json={"tab": "completed"})).status_code == 401
