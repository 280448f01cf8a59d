import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crawlers.chat_sender import BrowserSender
from deploy.sandbox.seller_centre.world import World
from tests.build.chat_sender import closing
from tests.build.seller_centre import Driven, driven


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Driven]:
    world = World(samples=1, creators=20, campaigns=1, products=5)
    async with driven(tmp_path, world, is_logged_in=True) as running:
        yield running


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go, Playwright's and Chromium's too; its name is short, for there will be sockets in it."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
async def sender(site: Driven) -> AsyncIterator[BrowserSender]:
    async with closing(site.sender()) as made:
        yield made
