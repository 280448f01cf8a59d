"""What may stand before any page: the login, a puzzle, a ban."""

from collections.abc import Mapping

from playwright.async_api import Page

from crawlers.browser import told
from crawlers.errors import Banned, CrawlError, PuzzleShown, SessionLost

#: Selectors by what they show; alternatives parted by commas.
WALLS: Mapping[str, str] = {
    "puzzle": "#captcha-verify-container, .captcha_verify_container, .captcha-verify-container, #captcha_container",
    "ban": ".account-restricted, :text('account has been suspended')",
    "login": ".login-form, a.with-code, :text('Log in with code')",
}
_MEANING: Mapping[str, type[CrawlError]] = {"puzzle": PuzzleShown, "ban": Banned, "login": SessionLost}


async def raise_for_wall(tab: Page) -> None:
    """Raise PuzzleShown, Banned or SessionLost if the tab shows one of them now."""
    with told():
        for name, selector in WALLS.items():
            if await tab.locator(f"{selector} >> visible=true").count():
                raise _MEANING[name](f"{tab.url.partition('?')[0]} shows a {name}")
