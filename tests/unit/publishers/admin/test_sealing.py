import pytest

from adapters.vault import Vault, new_key
from publishers.admin.sealing import kept, shown

VAULT = Vault([new_key()])
SECRET = {"token": "a-long-token-indeed", "app": {"id": "an-id-of-the-app", "secret": "its-secret-long"}, "n": 7}


@pytest.fixture
def stored() -> str:
    return VAULT.seal(SECRET)


def test_what_is_shown_holds_nothing_of_use(stored: str) -> None:
    told = shown(VAULT, stored)
    assert told == {"token": "a-lo***eed", "app": {"id": "an-i***app", "secret": "its-***ong"}, "n": "***"}


def test_what_comes_back_masked_is_what_it_was_however_deep(stored: str) -> None:
    assert kept(VAULT, shown(VAULT, stored), stored) == stored


def test_what_comes_back_changed_in_part_keeps_the_rest(stored: str) -> None:
    said = shown(VAULT, stored)
    said["app"]["secret"] = "a-new-secret-for-it"
    assert VAULT.open(kept(VAULT, said, stored) or "") == {
        **SECRET,
        "app": {"id": "an-id-of-the-app", "secret": "a-new-secret-for-it"},
    }


def test_what_is_left_out_is_gone(stored: str) -> None:
    assert VAULT.open(kept(VAULT, {"n": 8}, stored) or "") == {"n": 8}


def test_a_secret_that_no_key_opens_shows_nothing_and_is_replaced(stored: str) -> None:
    other = Vault([new_key()])
    assert shown(other, stored) == {}
    assert other.open(kept(other, {"token": "***"}, stored) or "") == {"token": "***"}
