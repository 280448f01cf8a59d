"""`mesh events` and `mesh rotate-keys` as an operator types them, on real databases."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from adapters.vault import Vault, new_key
from mesh import cli, logs
from persistence.uow import Uow
from schemas.relay.records import DeliveryState, EventStatus
from tests.build.relay import credential, delivery, event, storefront, tagging_server

DEAD, PENDING = DeliveryState.DEAD, DeliveryState.PENDING


@pytest.fixture(autouse=True)
def _on_this_database(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logs, "configure", lambda *_: None)  # it is the whole process's
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MESH_BROKER_URL", "amqp://nobody-is-there/")
    monkeypatch.setenv("MESH_DATABASE_URL", url)


async def mesh(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, cli.app, list(words))


async def filled(uow: Uow, code: str, *ids: str, state: DeliveryState = DEAD) -> None:
    shop = await storefront(uow, code)
    await credential(uow, shop)
    async with uow() as tx:
        way = (await tx.destinations.of_storefronts([shop.id]))[shop.id][0].id
        made = [event(each, storefront_code=code, storefront_id=shop.id) for each in ids]
        await tx.events.add(made)
        numbers = (await tx.events.numbers([each.identity or "" for each in made])).values()
        await tx.event_deliveries.add([delivery(each, way, state=state) for each in numbers])
        await tx.events.conclude(list(numbers), made[0].created_at)


async def states(uow: Uow) -> list[DeliveryState]:
    async with uow() as tx:
        return [each.state for each in await tx.event_deliveries.listed(limit=100)]


async def test_an_order_is_shown_whole_in_every_storefront(uow: Uow) -> None:
    await filled(uow, "bosley", "2025020100003333")
    await filled(uow, "hims", "2025020100003333")
    said = await mesh("events", "show", "2025020100003333", "--json")
    assert said.exit_code == 0, said.output
    told: list[Any] = json.loads(said.stdout)
    assert [each["event"]["storefront_code"] for each in told] == ["bosley", "hims"]
    table = await mesh("events", "show", "bosley:purchase_completed:2025020100003333")
    assert "meta_capi (direct): dead" in table.output
    number = told[0]["event"]["id"]
    assert "2025020100003333" in (await mesh("events", "show", str(number))).output
    assert (await mesh("events", "show", "nobody")).exit_code == 1


async def test_an_order_is_replayed_and_called_off_by_its_number(uow: Uow) -> None:
    await filled(uow, "bosley", "o-1", "o-2")
    assert "1 would be replayed" in (await mesh("events", "replay", "o-1", "--dry-run")).output
    assert await states(uow) == [DEAD, DEAD]
    assert "1 replayed" in (await mesh("events", "replay", "o-1")).output
    assert await states(uow) == [PENDING, DEAD]
    assert "1 cancelled" in (await mesh("events", "cancel", "o-1", "--reason", "a test")).output
    assert await states(uow) == [DeliveryState.CANCELLED, DEAD]
    async with uow() as tx:
        assert (await tx.events.listed(limit=1))[0].status is EventStatus.CANCELLED


async def test_an_order_is_forgotten_by_its_number(uow: Uow) -> None:
    await filled(uow, "bosley", "o-1", "o-2")
    assert "1 would be forgotten" in (await mesh("events", "forget", "o-1", "--dry-run")).output
    assert "1 forgotten" in (await mesh("events", "forget", "o-1")).output
    async with uow() as tx:
        assert [each.event_payload for each in await tx.events.listed(limit=2)] == ["{}", '{"order_id": "o-2"}']


async def test_a_storefronts_dead_are_replayed_and_another_ones_are_not(uow: Uow) -> None:
    await filled(uow, "bosley", "o-1", "o-2")
    await filled(uow, "hims", "o-1")
    assert "2 would be replayed" in (await mesh("events", "replay", "--storefront", "Bosley", "--dry-run")).output
    said = await mesh("events", "replay", "--storefront", "Bosley", "--rate", "1")
    assert "2 replayed" in said.output, said.output
    assert await states(uow) == [PENDING, PENDING, DEAD]
    assert (await mesh("events", "replay", "--storefront", "nobody")).exit_code == 2
    assert "2 cancelled" in (await mesh("events", "cancel", "--platform", "meta_capi")).output


async def test_secrets_get_the_current_key_and_the_old_one_can_go(uow: Uow, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = new_key(), new_key()
    sealed = Vault([old])
    shop = await storefront(uow)
    number = await credential(uow, shop, credentials_encrypted=sealed.seal({"access_token": "t"}))
    await tagging_server(uow, shop, api_secret=sealed.seal({"api_secret": "s"}))
    monkeypatch.setenv("MESH_ENCRYPTION_KEYS", f"{new},{old}")
    said = await mesh("rotate-keys")
    assert (said.exit_code, "2 secrets sealed" in said.output) == (0, True), said.output
    assert "0 secrets sealed with the current key, 2 were already" in (await mesh("rotate-keys")).output
    async with uow() as tx:
        stored = await tx.configuration.credentials.get(number)
    assert stored
    assert Vault([new]).open(stored.credentials_encrypted) == {"access_token": "t"}


async def test_a_secret_that_no_key_opens_is_named_and_stops_nothing(uow: Uow, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key()
    shop = await storefront(uow)
    lost = await credential(uow, shop, credentials_encrypted=Vault([new_key()]).seal({}))
    await credential(uow, shop, "ga4", credentials_encrypted=Vault([key]).seal({}))
    monkeypatch.setenv("MESH_ENCRYPTION_KEYS", f"{new_key()},{key}")
    said = await mesh("rotate-keys")
    assert said.exit_code == 1
    assert "1 secrets sealed" in said.output
    assert f"credentials {lost}" in said.stderr.replace("\n", " ")


async def test_without_a_key_nothing_is_rotated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MESH_ENCRYPTION_KEYS", raising=False)
    said = await mesh("rotate-keys")
    assert "MESH_ENCRYPTION_KEYS" in str(said.exception)
