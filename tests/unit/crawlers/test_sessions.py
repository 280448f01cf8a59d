"""Which account is taken, without a browser."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawlers.accounts import Accounts, local_account
from crawlers.errors import AccountBusy, AccountResting, Banned, NoAccount, PuzzleShown
from crawlers.failures import Failures
from crawlers.leases import FileLeases
from crawlers.pauses import Pauses
from crawlers.saved import SavedSessions
from crawlers.session import Sessions
from crawlers.shelf import FileShelf, Outdated

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MX1 = local_account("http://site", name="mx1")
STATE = {"cookies": [{"name": "sessionid"}], "origins": []}


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    shelf = FileShelf(tmp_path / "shelf")
    return Sessions(
        accounts=Accounts([local_account("http://site", name=name) for name in ("mx1", "mx2")]),
        leases=FileLeases(tmp_path / "leases"),
        pauses=Pauses(shelf, lambda: NOON),
        saved=SavedSessions(shelf),
        failures=Failures(tmp_path / "failures"),
        codes=lambda *_: None,  # type: ignore[arg-type, return-value]
    )


@asynccontextmanager
async def taken(sessions: Sessions, region: str = "MX", name: str | None = None) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        account, _ = await sessions._free(stack, region, name)
        yield account.name


async def test_the_first_account_that_is_free_and_awake_is_taken(sessions: Sessions) -> None:
    async with taken(sessions) as first, taken(sessions) as second:
        assert (first, second) == ("mx1", "mx2")
    await sessions.pauses.begin("mx1", PuzzleShown("wall"))
    async with taken(sessions) as awake:
        assert awake == "mx2"


async def test_when_none_is_to_be_had_the_earliest_time_is_told(sessions: Sessions) -> None:
    await sessions.pauses.begin("mx1", Banned("suspended"))
    await sessions.pauses.begin("mx2", PuzzleShown("wall"))
    with pytest.raises(AccountResting, match="mx2 rests: captcha") as refusal:
        async with taken(sessions):
            pass
    assert refusal.value.until == NOON + timedelta(hours=2)


async def test_an_account_that_is_asked_for_is_waited_for(sessions: Sessions) -> None:
    async with taken(sessions):
        with pytest.raises(AccountBusy, match="mx1"):
            async with taken(sessions, name="mx1"):
                pass


async def test_no_other_region_s_account_is_taken(sessions: Sessions) -> None:
    with pytest.raises(NoAccount):
        async with taken(sessions, "FR"):
            pass


async def test_a_saved_session_is_sealed_and_one_that_cannot_be_opened_is_forgotten(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    saved = SavedSessions(shelf, seal=lambda plain: plain[::-1], unseal=lambda kept: kept[::-1])
    await saved.save(MX1, STATE, 5)
    assert await saved.load(MX1) == STATE
    assert await SavedSessions(shelf).load(MX1) is None
    with pytest.raises(Outdated):
        await saved.save(MX1, STATE, 4)
    await saved.forget(MX1)
    assert await saved.load(MX1) is None


async def test_an_account_with_another_address_has_to_log_in_as_whom_it_is_now(tmp_path: Path) -> None:
    saved = SavedSessions(FileShelf(tmp_path))
    await saved.save(MX1, STATE, 5)
    assert await saved.load(MX1.model_copy(update={"email": "another@example.com"})) is None
    assert await saved.load(MX1.model_copy(update={"email": "MX1@example.com"})) == STATE


async def test_two_accounts_whose_names_differ_in_an_accent_are_two(tmp_path: Path) -> None:
    leases = FileLeases(tmp_path)
    async with leases.hold("México"), leases.hold("Mèxico"):
        with pytest.raises(AccountBusy):
            async with leases.hold("México"):
                pass
