"""`mesh doctor --site`: what the pages are made of, looked at and not touched."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.sandbox.seller_centre.world import World
from tests.build.seller_centre import Driven, driven


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Driven]:
    async with driven(tmp_path, World(samples=60, creators=30, campaigns=2, products=5)) as running:
        yield running


async def doctor(site: Driven, *words: str, url: str | None = None) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MESH_")}
    environment |= {"MESH_DATA_DIR": str(site.folder / "data"), "MESH_CRAWL_STEPS_PER_MINUTE": "0"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mesh", "doctor", "--site", url or site.url, *words),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(100):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_every_selector_is_found_on_the_local_site_and_nothing_is_touched(site: Driven) -> None:
    code, out, err = await doctor(site, "--json")
    looked = {each["page"]: each for each in json.loads(out)}
    assert (code, [each["problem"] for each in looked.values()]) == (0, [""] * 8), err
    assert list(looked) == [
        "login",
        "home",
        "sample requests",
        "find creators",
        "creator detail",
        "campaigns",
        "campaign",
        "chat",
    ]
    assert looked["chat"]["sights"]["input"] == "found"
    assert looked["find creators"]["sights"]["call"] == "found"
    assert looked["chat"]["sights"]["unavailable"] == "not now"
    assert looked["chat"]["sights"]["send call"] == "not now"
    for page, part in (
        ("sample requests", "tab Content pending"),
        ("find creators", "filter Items sold"),
        ("find creators", "filter Gender share"),
        ("creator detail", "section audience"),
    ):
        assert looked[page]["sights"][part] == "found"
    assert looked["sample requests"]["sought"]["logistics call"] == "…/sample/logistics"
    read = {path.rpartition("/api/v1/")[2] for path in site.centre.counts.calls}
    assert read == {
        "/passport/email/code/send",
        "/passport/email/code/login",
        "affiliate/partner/sample/records/list",
        "oec/affiliate/creator/marketplace/find",
        "oec/affiliate/creator/marketplace/profile",
        "affiliate/partner/campaign/list",
        "affiliate/partner/campaign/product/list",
        "im/conversation",
    }
    assert site.centre.chats.tally()["messages"] == 0


async def test_what_has_gone_is_named_with_its_page_and_its_selector(site: Driven) -> None:
    site.centre.set_faults(
        missing=["button.send", "input.creator-search", ".campaign-row", "[aria-label='Min followers']"]
    )
    code, out, _ = await doctor(site)
    assert code == 1
    rows = [line.split("│") for line in out.splitlines() if " missing " in line and "│" in line]
    assert [(row[1].strip(), row[3].strip()) for row in rows] == [
        ("find creators", "keyword"),
        ("find creators", "filter Min followers"),
        ("chat", "send"),
    ]
    assert "3 missing. Each is mended in crawlers/pages/" in out


@pytest.mark.long
async def test_a_page_that_cannot_be_seen_is_told_and_the_others_are_looked_at(site: Driven) -> None:
    site.centre.set_faults(fail_next={"sample/records/list": 9})
    code, out, _ = await doctor(site, "--json")
    looked = {each["page"]: each for each in json.loads(out)}
    assert code == 1
    assert "code 100500" in looked["sample requests"]["problem"]
    assert looked["chat"]["is_well"]


async def test_without_an_account_nobody_logs_in_to_another_s_site(site: Driven) -> None:
    code, _, err = await doctor(site, url="https://partner.example")
    assert (code, "MESH_ACCOUNTS_FILE is not set" in err, "Traceback" in err) == (1, True, False)
