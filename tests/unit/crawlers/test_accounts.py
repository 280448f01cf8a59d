"""The accounts' file."""

import json
from pathlib import Path

import pytest

from crawlers.accounts import Accounts, Mailbox
from crawlers.errors import NoAccount

ENTRIES = [
    {"name": "MX1", "login_email": "mx1@example.com", "region": "mx", "creator_id": "op-1", "enabled": True},
    {"name": "MX2", "login_email": "mx2@example.com", "region": "MX", "enabled": False},
    {"name": "ES1", "loginEmail": "es1@example.com", "region": "ES"},
]


def test_a_region_is_driven_by_its_own_enabled_accounts_alone() -> None:
    accounts = Accounts.of(ENTRIES)
    assert [account.name for account in accounts.fitting("MX")] == ["MX1"]
    assert accounts.fitting("mx")[0].operator_id == "op-1"
    with pytest.raises(NoAccount, match="region FR"):
        accounts.fitting("FR")


def test_an_account_that_is_named_must_be_there_and_enabled() -> None:
    assert Accounts.of(ENTRIES).fitting("es", "ES1")[0].email == "es1@example.com"
    with pytest.raises(NoAccount, match="MX2"):
        Accounts.of(ENTRIES).fitting("MX", "MX2")


def test_an_account_that_is_named_drives_no_other_region() -> None:
    with pytest.raises(NoAccount, match="account ES1 is of region ES, and what is asked for is of MX"):
        Accounts.of(ENTRIES).fitting("MX", "ES1")


def test_a_password_in_clear_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    entry = {**ENTRIES[0], "mailbox": {"username": "a@example.com", "password": "hunter2-secret"}}
    path.write_text(json.dumps([entry]))
    with pytest.raises(NoAccount) as refusal:
        Accounts.read(path).fitting("MX")
    assert "mailbox.password" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_two_accounts_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([ENTRIES[0], ENTRIES[0]]))
    with pytest.raises(NoAccount, match="same name"):
        Accounts.read(path).fitting("MX")


def test_without_a_file_there_is_no_account() -> None:
    with pytest.raises(NoAccount, match="MESH_ACCOUNTS_FILE"):
        Accounts.read(None).fitting("MX")


def test_a_mailbox_s_password_comes_from_the_environment_or_is_unsealed() -> None:
    named = Mailbox(username="a@example.com", password_env="MAIL_PASSWORD")
    assert named.password(None, {"MAIL_PASSWORD": "s3cret"}) == "s3cret"
    with pytest.raises(NoAccount, match="MAIL_PASSWORD"):
        named.password(None, {})
    sealed = Mailbox(username="a@example.com", password_sealed="gAAA")
    assert sealed.password(lambda kept: f"opened {kept}", {}) == "opened gAAA"
    with pytest.raises(NoAccount, match="MESH_ENCRYPTION_KEYS"):
        sealed.password(None, {})
