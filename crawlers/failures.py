"""What a failure leaves behind: screenshot, HTML and trace in a folder of its own, of which the newest are kept."""

import asyncio
import contextlib
import json
import re
import shutil
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import structlog
from playwright.async_api import Error, Page

from crawlers.browser import Browser
from crawlers.errors import CrawlError
from schemas.clock import Clock, utc_now

log = structlog.get_logger()

T = TypeVar("T")

#: A failure weighs a megabyte or two.
KEPT = 50
_PATIENCE_S = 5.0


class Failures:
    """The folder of failures."""

    def __init__(self, folder: Path, clock: Clock = utc_now, kept: int = KEPT) -> None:
        self._folder = folder
        self._clock = clock
        self._kept = kept

    async def keep(self, what: str, error: BaseException, page: Page | None, browser: Browser | None) -> Path:
        """Write down what can still be had of a failure, and return where; never fails itself."""
        now = self._clock()
        folder = self._folder / f"{now:%Y%m%d-%H%M%S-%f}-{re.sub(r'[^A-Za-z0-9]+', '-', what)[:60]}"
        log.warning("crawl_failure_kept", what=what, error=str(error)[:300], folder=str(folder))
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / "failure.json").write_text(json.dumps(_described(what, error, page, now), indent=2))
            if page is not None:
                await _attempted(page.screenshot(path=folder / "page.png", timeout=_PATIENCE_S * 1000))
                html = await _attempted(page.content())
                (folder / "page.html").write_text(html or "", errors="replace")
            if browser is not None:
                await _attempted(browser.save_trace(folder / "trace.zip"))
            await asyncio.to_thread(self._tidy, folder)
        except OSError as trouble:  # A full disk must not hide what failed.
            log.warning("crawl_failure_incomplete", folder=str(folder), error=str(trouble)[:200])
        return folder

    def _tidy(self, newest: Path) -> None:
        """Let nobody else read what is new, and forget the oldest."""
        for file in newest.iterdir():
            file.chmod(0o600)
        for old in sorted(path for path in self._folder.iterdir() if path.is_dir())[: -self._kept]:
            shutil.rmtree(old, ignore_errors=True)


def _described(what: str, error: BaseException, page: Page | None, now: datetime) -> dict[str, str]:
    url = ""
    with contextlib.suppress(Error):
        url = page.url if page is not None else ""
    return {
        "what": what,
        "error": type(error).__name__,
        "message": str(error)[:2000],
        "url": url,
        "at": now.isoformat(),
    }


async def _attempted(doing: Awaitable[T]) -> T | None:
    """Return what was awaited, or None where the browser can no longer do it."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await doing
    except (Error, CrawlError, TimeoutError, OSError) as error:
        log.debug("crawl_failure_incomplete", error=str(error)[:200])
        return None
