"""Secrets are sealed with the current key and opened with any that is still known."""

import pytest
from cryptography.fernet import Fernet

from adapters.vault import CannotOpenError, Vault, masked, new_key

SECRET = {"access_token": "tok-1", "nested": {"key": ["a", 1, None]}}


def test_what_is_sealed_shows_nothing_and_opens_as_it_was() -> None:
    vault = Vault([new_key()])
    sealed = vault.seal(SECRET)
    assert "tok-1" not in sealed
    assert sealed != vault.seal(SECRET)
    assert vault.open(sealed) == SECRET


def test_while_keys_are_exchanged_old_and_new_secrets_open_and_new_ones_need_the_new_key_alone() -> None:
    old, new = new_key(), new_key()
    before = Vault([old]).seal(SECRET)
    both = Vault([new, old])
    after = both.seal(SECRET)
    assert both.open(before) == both.open(after) == SECRET
    assert Vault([new]).open(after) == SECRET
    assert Vault([new]).open(both.rotate(before)) == SECRET
    with pytest.raises(CannotOpenError):
        Vault([new]).open(before)
    with pytest.raises(CannotOpenError):
        Vault([new]).rotate(before)


@pytest.mark.parametrize(
    "odd",
    ["", "x", "gAAAAABm", Fernet(new_key()).encrypt(b"{}").decode()],
    ids=["nothing", "a letter", "cut", "a stranger's"],
)
def test_what_no_key_opens_is_said_so_and_not_repeated(odd: str) -> None:
    with pytest.raises(CannotOpenError) as refused:
        Vault([new_key()]).open(odd)
    assert not odd or odd not in str(refused.value) or len(odd) == 1


@pytest.mark.parametrize("keys", [[], ["hunter2"], [new_key(), "hunter2"]])
def test_a_key_that_is_none_is_refused_and_not_repeated(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        Vault(keys)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("said", "shown"), [("tok-meta-12345", "tok-***345"), ("short", "***"), ("", "***")])
def test_a_masked_secret_tells_which_it_is_and_no_more(said: str, shown: str) -> None:
    assert masked(said) == shown
