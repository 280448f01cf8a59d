"""What the doctor says of TikTok's messages, the worst first."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.vault import Vault, new_key
from mesh.doctor import Health
from mesh.examinations import CHECKS
from mesh.examinations_replies import judged
from schemas.clock import utc_now
from schemas.replies.records import Tokens
from settings import Settings
from tests.build.replies import tokens

SECRET = SecretStr("a-secret-of-the-app-that-is-long")
KEY = new_key()


def settings(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


def account(business_id: str = "biz-1", **values: Any) -> Tokens:
    now = utc_now()
    usual = {
        "access_token": Vault([KEY]).seal("a"),
        "access_expires_at": now + timedelta(days=1),
        "refresh_expires_at": now + timedelta(days=300),
    }
    return tokens(business_id=business_id, **{**usual, **values})


async def test_without_a_secret_it_says_that_nothing_is_taken_in() -> None:
    found = await CHECKS["tiktok"](settings())
    assert found.health is Health.WARN
    assert "MESH_TIKTOK_CLIENT_SECRETS" in found.remedy


async def test_without_a_key_it_says_that_no_token_is_exchanged() -> None:
    found = await CHECKS["tiktok"](settings(tiktok_client_secrets=(SECRET,)))
    assert found.health is Health.WARN
    assert "MESH_TIKTOK_CLIENT_KEY" in found.remedy


async def test_a_secret_that_is_being_replaced_is_told_and_never_said() -> None:
    found = await CHECKS["tiktok"](settings(tiktok_client_secrets=(SECRET, SECRET), tiktok_client_key="awk7"))
    assert (found.health, found.said) == (Health.OK, "app awk7, 2 secrets taken while one is replaced")


async def test_a_database_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    found = await CHECKS["accounts"](settings(data_dir=tmp_path))
    assert found.health is Health.OK
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("accounts", "health", "said"),
    [
        ([], Health.OK, "none connected"),
        ([account()], Health.OK, "1 connected"),
        ([account(access_expires_at=utc_now())], Health.OK, "1 connected"),
        ([account(), account("biz-2", broken_reason="refused")], Health.FAIL, "biz-2 must be connected again: refused"),
        ([account(refresh_expires_at=utc_now())], Health.FAIL, "biz-1 must be connected again: its tokens have ended"),
        ([account("biz-9")], Health.FAIL, "biz-1 of MESH_TIKTOK_BUSINESS_IDS has no token"),
        ([account(access_token=Vault([new_key()]).seal("a"))], Health.FAIL, "no key opens the tokens of biz-1"),
        (
            [account(paused_until=utc_now() + timedelta(hours=1), paused_reason="rules")],
            Health.WARN,
            "biz-1 is paused: rules",
        ),
        ([account(refresh_expires_at=utc_now() + timedelta(days=13))], Health.WARN, "biz-1 can be spoken for until"),
    ],
)
def test_what_is_worst_of_the_accounts_is_told(accounts: list[Tokens], health: Health, said: str) -> None:
    wanted = ("biz-1",) if accounts else ()
    found = judged(accounts, settings(encryption_keys=(SecretStr(KEY),), tiktok_business_ids=wanted))
    assert (found.health, found.said[: len(said)]) == (health, said)
    assert bool(found.remedy) is (health is not Health.OK)
