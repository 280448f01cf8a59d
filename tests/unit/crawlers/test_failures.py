"""What a failure leaves behind, without a browser."""

from datetime import UTC, datetime
from pathlib import Path

from crawlers.failures import Failures

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_failure_is_for_our_eyes_only(tmp_path: Path) -> None:
    folder = await Failures(tmp_path / "failures", lambda: NOON).keep("chat 1", ValueError("why"), None, None)
    assert [file.name for file in folder.iterdir()] == ["failure.json"]
    assert (folder.stat().st_mode & 0o777, (folder / "failure.json").stat().st_mode & 0o777) == (0o700, 0o600)


async def test_a_failure_that_cannot_be_written_down_hides_no_other(tmp_path: Path) -> None:
    taken = tmp_path / "failures"
    taken.write_text("a file where the folder should be")
    assert await Failures(taken, lambda: NOON).keep("chat 1", ValueError("why"), None, None)
