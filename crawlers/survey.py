"""A walk through the sellers' pages that only looks whether everything is where the page objects expect it.

Nothing is clicked, typed or sent; addresses are opened, as a person would who only reads.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from playwright.async_api import Error, Locator

from crawlers.browser import verdict_on
from crawlers.errors import AccountStopped, CrawlError, LeaseLost, SiteFailed
from crawlers.pages.campaigns import CampaignPage, CampaignsPage
from crawlers.pages.chat import ChatPage
from crawlers.pages.creator_detail import CreatorDetailPage
from crawlers.pages.find_creators import FindCreatorsPage
from crawlers.pages.login import HomePage, LoginPage
from crawlers.pages.page import SitePage
from crawlers.pages.paging import PagedList
from crawlers.pages.sample_requests import SampleRequestsPage
from crawlers.rows.creators import creator_id
from crawlers.rows.reading import identity
from crawlers.session import Session
from schemas.crawl.tabs import Tab

#: What has not come by then is missing; pages go on loading after they are ready.
_PATIENCE_S = 8.0
_LOOK_S = 0.2


class Sight(StrEnum):
    """What a look for one thing came to."""

    FOUND = "found"
    MISSING = "missing"
    #: Not there, and a page that is well need not have it: bubbles of a conversation, say.
    NOT_NOW = "not now"


@dataclass(frozen=True, slots=True)
class Looked:
    """A page that was looked at: what was found by the names of its page object, and why it could not be seen."""

    page: str
    path: str
    sights: Mapping[str, Sight]
    #: Selector, or part of a call's address, by the same names.
    sought: Mapping[str, str]
    problem: str = ""

    @property
    def is_well(self) -> bool:
        """Whether everything is where it is expected."""
        return not self.problem and Sight.MISSING not in self.sights.values()


@dataclass
class _Seen:
    """Whom and what the pages before have shown, so that those after can be opened."""

    creator_id: str | None = None
    campaign_id: str | None = None
    calls: dict[str, bool] = field(default_factory=dict)


async def survey(session: Session) -> AsyncIterator[Looked]:
    """Look at every page in turn; raises what keeps all of them away: a puzzle, a ban, a lost lease."""
    seen = _Seen()
    async with session.as_stranger() as tab:
        yield await _looked(session, LoginPage(tab, session.site, session.wishes.patience), seen, _opened())
    for kind, opening in _WALK:
        page = kind(session.tab, session.site, session.wishes.patience)
        yield await _looked(session, page, seen, opening)


Opening = Callable[[Any, _Seen], Awaitable[None]]


async def _looked(session: Session, page: SitePage, seen: _Seen, opening: Opening) -> Looked:
    await session.turn()
    sought = _sought(page)
    seen.calls.clear()
    problem = ""
    try:
        await opening(page, seen)
    except (AccountStopped, LeaseLost):
        raise
    except (CrawlError, Error) as error:
        problem = str(verdict_on(error) if isinstance(error, Error) else error)
    sights = await _sights(page, sought, seen)
    return Looked(page.name, page.path, sights, sought, problem)


def _sought(page: SitePage) -> dict[str, str]:
    buttons = getattr(page, "buttons", {})
    paging = page.paging if isinstance(page, PagedList) else {}
    call = getattr(page, "call", "")
    is_made = call and not isinstance(page, ChatPage)  # its call sends
    parts = {name: told for name, (told, _) in page.parts().items()}
    calls = {"call": call} if is_made else {"send call": call} if call else {}
    calls = {name: f"…{part}" for name, part in {**calls, **page.later_calls}.items()}
    return {**page.selectors, **buttons, **getattr(page, "bubble", {}), **paging, **parts, **calls}


async def _sights(page: SitePage, sought: Mapping[str, str], seen: _Seen) -> dict[str, Sight]:
    """Look until nothing is missing or patience ends."""
    ends_at = time.monotonic() + _PATIENCE_S
    optional = {
        *page.occasional,
        *getattr(page, "buttons", {}),
        *getattr(page, "bubble", {}),
        *(["next", "jumper"] if "next" in sought else []),
        *(name for name in sought if name.endswith(" call")),
    }
    parts = {name: where for name, (_, where) in page.parts().items()}
    while True:
        found = {name: await _is_there(page, name, parts.get(name, css), seen) for name, css in sought.items()}
        missing = [name for name, is_there in found.items() if not is_there and name not in optional]
        if not missing or time.monotonic() > ends_at:
            break
        await asyncio.sleep(_LOOK_S)
    return {
        name: Sight.FOUND if is_there else Sight.NOT_NOW if name in optional else Sight.MISSING
        for name, is_there in found.items()
    }


async def _is_there(page: SitePage, name: str, where: str | Locator, seen: _Seen) -> bool:
    if name == "call" or name.endswith(" call"):
        return seen.calls.get(name, False)
    try:
        return await (page.tab.locator(where) if isinstance(where, str) else where).count() > 0
    except Error:
        return False


def _opened(**query: Any) -> Opening:
    """Return what opens a page."""

    async def open_it(page: SitePage, _: _Seen) -> None:
        await page.open(**query)

    return open_it


async def _samples(page: SampleRequestsPage, seen: _Seen) -> None:
    await page.open_tab(Tab.COMPLETED)
    seen.calls["call"] = True


async def _search(page: FindCreatorsPage, seen: _Seen) -> None:
    data = await page.answer(page.call, page.open)
    seen.calls["call"] = True
    seen.creator_id = next((found for each in _listed(data) if (found := creator_id(each))), None)


async def _creator(page: CreatorDetailPage, seen: _Seen) -> None:
    if seen.creator_id is None:
        raise SiteFailed("nobody was found by the search, so no creator's page could be opened")
    await page.answer(page.call, lambda: page.open(cid=seen.creator_id))
    seen.calls["call"] = True


async def _campaigns(page: CampaignsPage, seen: _Seen) -> None:
    campaigns = _listed(await page.first())
    seen.campaign_id = next((found for each in campaigns if (found := identity(each.get("campaign_id")))), None)
    seen.calls["call"] = True


async def _campaign(page: CampaignPage, seen: _Seen) -> None:
    if seen.campaign_id is None:
        raise SiteFailed("the account has no campaign, so none could be opened")
    await page.answer(page.call, lambda: page.open(campaign_id=seen.campaign_id))
    seen.calls["call"] = True


async def _chat(page: ChatPage, seen: _Seen) -> None:
    if seen.creator_id is None:
        raise SiteFailed("nobody was found by the search, so no chat could be opened")
    await page.open_with(seen.creator_id)


_WALK: tuple[tuple[type[SitePage], Opening], ...] = (
    (HomePage, _opened()),
    (SampleRequestsPage, _samples),
    (FindCreatorsPage, _search),
    (CreatorDetailPage, _creator),
    (CampaignsPage, _campaigns),
    (CampaignPage, _campaign),
    (ChatPage, _chat),
)


def _listed(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = data.get("list")
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []
