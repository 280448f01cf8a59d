"""Business accounts are connected by whoever began it, once, and their tokens are never shown, on real databases."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.replies.port import Kind, Outcome
from adapters.vault import Vault, new_key
from persistence.uow import Uow
from schemas.replies.accounts import AccountState
from tests.build.admin import World
from tests.build.records import NOON
from tests.build.replies import BUSINESS, later, tokens

HERE = "http://admin/admin/v1/replies/accounts/callback"


@pytest.fixture
def world(uow: Uow) -> World:
    return World(uow)


async def begun(world: World, who: str = "ada") -> dict[str, str]:
    response = await world.call("POST", "/replies/accounts/connect", who=who)
    assert response.status_code == 200, response.text
    url = urlsplit(response.json()["authorize_url"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://tiktok.example/authorize"
    return {name: values[0] for name, values in parse_qs(url.query).items()}


async def back(world: World, who: str | None = "ada", **query: str) -> Any:
    async with world.client(who) as client:
        return await client.get("/admin/v1/replies/accounts/callback", params=query)


async def test_an_account_is_connected_and_its_tokens_lie_sealed(world: World) -> None:
    asked = await begun(world)
    assert (asked["client_key"], asked["redirect_uri"], asked["response_type"]) == ("awk7demo01", HERE, "code")
    assert {"message.list.read", "message.list.send"} <= set(asked["scope"].split(","))
    response = await back(world, state=asked["state"], code="code-1")
    assert response.status_code == 200, response.text
    assert world.tiktok.asked == [("code-1", HERE)]
    assert "in-clear" not in response.text
    async with world.uow() as tx:
        (stored,) = await tx.tokens.listed()
    assert "in-clear" not in repr(stored)
    assert (stored.business_id, world.vault.open(stored.access_token)) == ("biz-1", "access-in-clear")
    assert world.vault.open(stored.refresh_token or "") == "refresh-in-clear"
    assert stored.access_expires_at == NOON + timedelta(days=1)
    assert [each[1] for each in (await world.audit())[:2]] == ["connected", "connect"]


async def test_what_was_broken_or_paused_works_again_once_it_is_connected_anew(world: World) -> None:
    broken = tokens(business_id="biz-1", broken_reason="its refresh token was refused", paused_until=later(9))
    async with world.uow() as tx:
        await tx.tokens.put(tokens(business_id="biz-1"))
        await tx.tokens.broken(tokens(business_id="biz-1"), broken.broken_reason or "", NOON)
    assert (await world.get("/replies/accounts"))["items"][0]["state"] == AccountState.BROKEN
    await back(world, state=(await begun(world))["state"], code="code-1")
    (told,) = (await world.get("/replies/accounts"))["items"]
    assert (told["state"], told["reason"]) == (AccountState.CONNECTED, None)


async def test_a_state_is_taken_once(world: World) -> None:
    state = (await begun(world))["state"]
    first, second = [await back(world, state=state, code=f"code-{each}") for each in (1, 2)]
    assert (first.status_code, second.status_code) == (200, 403)
    assert len(world.tiktok.asked) == 1


async def test_a_state_that_was_refused_by_tiktok_is_spent_too(world: World) -> None:
    world.tiktok.granted = Outcome(kind=Kind.REFUSED, code="40002", reason="40002: the code is invalid")
    state = (await begun(world))["state"]
    assert (await back(world, state=state, code="code-1")).status_code == 502
    assert (await back(world, state=state, code="code-1")).status_code == 403
    assert len(world.tiktok.asked) == 1


async def test_a_state_is_ours_and_of_the_one_who_asks_and_young(world: World) -> None:
    state = (await begun(world))["state"]
    world_of_others = Vault([new_key()])
    forged = world_of_others.seal({"oauth": "n", "who": "ada", "until": later(9).timestamp(), "here": HERE})
    ours = world.vault.seal({"access_token": "another secret"})
    for wrong in (forged, ours, "", "nonsense", state[:-2]):
        assert (await back(world, state=wrong, code="code-1")).status_code == 403, wrong
    assert (await back(world, "bob", state=state, code="code-1")).status_code == 403  # he may change nothing
    assert (await back(world, None, state=state, code="code-1")).status_code == 401
    world.now = later(15)
    assert (await back(world, state=state, code="code-1")).status_code == 403
    assert world.tiktok.asked == []


async def test_an_owner_who_declines_connects_nothing(world: World) -> None:
    response = await back(world, state=(await begun(world))["state"], error="access_denied")
    assert (response.status_code, world.tiktok.asked) == (422, [])


async def test_without_the_apps_key_nothing_can_be_connected(uow: Uow) -> None:
    world = World(uow, is_connecting=False)
    response = await world.call("POST", "/replies/accounts/connect")
    assert (response.status_code, response.json()["error_code"]) == (409, "NOT_CONFIGURED")


async def test_how_accounts_stand_is_told_without_their_tokens(world: World) -> None:
    async with world.uow() as tx:
        for number, values in enumerate(
            (
                {},
                {"refresh_expires_at": NOON + timedelta(days=13)},
                {"access_expires_at": NOON - timedelta(days=1)},
                {"refresh_expires_at": NOON - timedelta(days=1)},
                {"refresh_token": None, "access_expires_at": NOON},
                {"refresh_expires_at": None},
            )
        ):
            await tx.tokens.put(tokens(business_id=f"biz-{number}", **values))
    told = (await world.get("/replies/accounts", "bob"))["items"]
    assert [each["state"] for each in told] == ["connected", "ending", "connected", "broken", "broken", "connected"]
    assert "sealed" not in str(told)


async def test_an_account_is_silenced_and_speaks_again(world: World) -> None:
    async with world.uow() as tx:
        await tx.tokens.put(tokens())
    paused = (await world.call("POST", f"/replies/accounts/{BUSINESS}/pause", {"hours": 2})).json()
    assert (paused["state"], paused["reason"]) == ("paused", "paused by ada")
    resumed = (await world.call("POST", f"/replies/accounts/{BUSINESS}/resume")).json()
    assert (resumed["state"], resumed["paused_until"]) == ("connected", None)
    assert [each[1] for each in (await world.audit())[:2]] == ["resume", "pause"]
    for verb in ("pause", "resume"):
        assert (await world.call("POST", f"/replies/accounts/nobody/{verb}")).status_code == 404
        assert (await world.call("POST", f"/replies/accounts/{BUSINESS}/{verb}", who="bob")).status_code == 403
