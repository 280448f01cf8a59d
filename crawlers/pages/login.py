"""The login: an e-mail address, a code that is mailed there."""

from collections.abc import Mapping
from typing import ClassVar

from playwright.async_api import TimeoutError as Late

from crawlers.browser import told
from crawlers.errors import PageChanged, SiteFailed
from crawlers.pages.page import SitePage
from crawlers.pages.walls import WALLS

#: How long the site may take to let somebody in.
_LET_IN_MS = 15_000


class HomePage(SitePage):
    """Where one is after the login."""

    name = "home"
    path = "/home"
    ready = "dashboard"
    selectors: ClassVar[Mapping[str, str]] = {"dashboard": ".home-dashboard, :text('Welcome back')"}


class LoginPage(SitePage):
    """Where one is sent without a session."""

    name = "login"
    path = "/account/login"
    ready = "with_code"
    selectors: ClassVar[Mapping[str, str]] = {
        "with_code": "a.with-code, :text('Log in with code')",
        "email": "input[name=email], input[type=email]",
        "send_code": "button.send-code, button:has-text('Send code')",
        "code": "input[name=code], input[placeholder*='code' i]",
        "log_in": "button.log-in, button:text-is('Log in')",
        "message": ".login-message, [role=alert]",
    }
    #: What the page may show only once somebody wants to log in with a code.
    occasional: ClassVar[frozenset[str]] = frozenset({"email", "send_code", "code", "log_in", "message"})

    async def wait_ready(self) -> None:
        """Wait for the form itself: here it is no wall."""
        puzzle = f"{WALLS['puzzle']} >> visible=true"
        with told():
            try:
                await self.at("with_code").first.or_(self.tab.locator(puzzle).first).first.wait_for()
            except Late:
                raise PageChanged(f"{self.path} shows no login with code") from None
            if await self.tab.locator(puzzle).count():
                await self.raise_for_wall()

    async def ask_for_code(self, email: str) -> bool:
        """Have a code mailed; False if the site will not."""
        await self.click("with_code")
        await self._fill("email", email)
        return await self._is_accepted("send_code")

    async def enter(self, code: str) -> bool:
        """Type a code; False if the site does not take it."""
        await self._fill("code", code)
        if not await self._is_accepted("log_in"):
            return False
        with told():
            try:
                await self.tab.wait_for_url(lambda url: not self.site.is_at(url, self.path), timeout=_LET_IN_MS)
            except Late:
                return False
        return True

    async def message(self) -> str:
        """Return what the page says is wrong."""
        with told():
            return (await self.at("message").first.text_content() or "").strip() if await self.shows("message") else ""

    async def _fill(self, name: str, text: str) -> None:
        with told():
            try:
                await self.at(name).first.fill(text)
            except Late:
                raise PageChanged(f"{self.path} shows no {name} ({self.selectors[name]})") from None

    async def _is_accepted(self, button: str) -> bool:
        """Press a button, and tell whether the site says yes; raises Throttled, PuzzleShown or Banned."""
        try:
            await self.answer("/code/", lambda: self.click(button), may_be_gone=True)
        except SiteFailed:
            return False
        return True
