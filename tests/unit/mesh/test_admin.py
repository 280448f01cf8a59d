"""The admin process from its settings: what it needs, and what it never starts without."""

from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from adapters.vault import new_key
from mesh.admin import application
from mesh.compose import Composition, Unconfigured
from persistence import migrate
from settings import Settings

DATABASE = SecretStr("sqlite:////nowhere/at/all.db")


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **{"database_url": DATABASE, **values})


def test_without_a_key_for_secrets_it_does_not_start() -> None:
    with pytest.raises(Unconfigured, match="MESH_ENCRYPTION_KEYS"):
        application(Composition(settings(), "admin"))


def test_with_a_key_that_is_none_it_does_not_start_and_does_not_say_it() -> None:
    with pytest.raises(Unconfigured) as refused:
        application(Composition(settings(encryption_keys=(SecretStr("hunter2"),)), "admin"))
    assert "hunter2" not in str(refused.value)


async def test_its_people_are_those_of_the_settings() -> None:
    people = {
        "admin_users": (SecretStr("ada:ada-password:admin"),),
        "events_users": (SecretStr("oms:oms-password"),),
        "encryption_keys": (SecretStr(new_key()),),
    }
    composition = Composition(settings(**people), "admin")
    transport = httpx.ASGITransport(application(composition), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        asked = [
            (await client.get(path, auth=auth)).status_code
            for path, auth in (
                ("/docs", ("ada", "ada-password")),
                ("/docs", ("ada", "another")),
                ("/admin/v1/platforms", ("oms", "oms-password")),
                ("/admin/v1/platforms", ("ada", "ada-password")),
                ("/health/ready", None),
            )
        ]
    await composition.close()
    assert asked == [200, 401, 403, 503, 503]  # this database is nowhere


async def test_it_is_ready_once_its_database_was_migrated(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'mesh.db'}"
    values = {"database_url": SecretStr(url), "encryption_keys": (SecretStr(new_key()),)}
    composition = Composition(settings(**values), "admin")
    transport = httpx.ASGITransport(application(composition))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        before = await client.get("/health/ready")
        await migrate.upgrade(url)
        after = await client.get("/health/ready")
    await composition.close()
    assert (before.status_code, after.status_code) == (503, 200)
