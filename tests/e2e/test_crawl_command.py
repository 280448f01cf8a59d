"""`mesh crawl` as an operator runs it, against the local seller centre."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.build.broker import eventually
from tests.build.seller_centre import Driven, driven


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Driven]:
    async with driven(tmp_path) as running:
        yield running


async def started(site: Driven, *words: str, **settings: str) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MESH_")}
    environment |= {"MESH_DATA_DIR": str(site.folder / "data"), "MESH_CRAWL_STEPS_PER_MINUTE": "0", **settings}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "mesh", "crawl", *words, "--site", site.url, "--dry-run"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=_interruptible,
    )


def _interruptible() -> None:
    """Take Ctrl-C as in a terminal, also where the tests were started in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def finished(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_a_crawl_by_hand_says_what_it_read_and_where_its_tables_are(site: Driven) -> None:
    code, out, err = await finished(await started(site, "samples", "--tab", "review", "--excel"))
    assert (code, err.count("Traceback")) == (0, 0)
    assert "120 rows of 3 pages read, and nothing published, as account sandbox-mx." in out
    files = sorted(path.suffix for path in (site.folder / "data" / "exports" / "manage_sample").iterdir())
    assert files == [".csv", ".xlsx"]
    assert "crawl samples: reading, To review, page 1 of 3" in err


async def test_ctrl_c_keeps_the_place_and_the_same_words_go_on(site: Driven) -> None:
    site.centre.set_faults(slow={"records/list": 4000})
    process = await started(site, "samples", "--tab", "review")
    await eventually(lambda: site.centre.counts.calls["/api/v1/affiliate/partner/sample/records/list"] >= 2, within=30)
    process.send_signal(signal.SIGINT)
    code, _, err = await finished(process)
    assert (code, "Stopped." in err) == (130, True)
    code, _, err = await finished(await started(site, "samples", "--tab", "review"))
    assert code == 0
    assert "Going on after" in err
    assert site.centre.counts.seen["logins"] == 1


async def test_a_word_that_is_no_tab_is_told_in_a_sentence(site: Driven) -> None:
    code, _, err = await finished(await started(site, "samples", "--tab", "compleet"))
    assert code == 1
    assert "mesh: tabs has no tab 'compleet'" in err
    assert "Traceback" not in err


async def test_an_account_that_nobody_has_is_told_in_a_sentence(site: Driven) -> None:
    code, _, err = await finished(await started(site, "samples", "--account", "nobody"))
    assert (code, "mesh: no enabled account is called nobody" in err) == (1, True)


async def test_accounts_are_listed_with_who_rests(site: Driven) -> None:
    site.centre.set_faults(captcha=True)
    code, _, err = await finished(await started(site, "samples", "--tab", "review"))
    assert code == 1
    assert "puzzle" in err
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MESH_")},
        "MESH_DATA_DIR": str(site.folder / "data"),
        "MESH_SITE_URL": site.url,
        "COLUMNS": "200",
    }
    for words, expected in (("accounts", "rests until"), ("resume sandbox-mx", "Working again"), ("accounts", "works")):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mesh", "crawl", *words.split()),
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        _, out, _ = await finished(process)
        assert expected in out
