"""The search of creators: a keyword, filters, a list that grows as one scrolls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from playwright.async_api import Locator
from playwright.async_api import TimeoutError as Late

from crawlers.browser import told
from crawlers.errors import CannotRead, PageChanged, SiteFailed
from crawlers.pages.page import SitePage


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look for, in the words of the page; nothing is any. Shares and rates are percentages."""

    keyword: str = ""
    categories: Sequence[str] = ()
    content_types: Sequence[str] = ()
    ages: Sequence[str] = ()
    gmv: Sequence[str] = ()
    sales: Sequence[str] = ()
    gender: str = ""
    gender_share: int | None = None
    min_followers: int | None = None
    min_views: int | None = None
    min_engagement: int | None = None


class FindCreatorsPage(SitePage):
    """The search; what its call answers is returned as it came."""

    name = "find creators"
    path = "/affiliate-cmp/creator"
    ready = "title"
    call = "/affiliate/creator/marketplace/find"
    selectors: ClassVar[Mapping[str, str]] = {
        "title": "h1:has-text('Find creators'), :text-is('Find creators')",
        "keyword": "input.creator-search, input[placeholder='Search creators']",
        "search_icon": "button.search-icon",
        "filters": ".filters",
        "filter": ".filter",
        "gender": "select[aria-label='Follower gender']",
        "list": ".creator-list",
        "cards": "a.creator-card",
        "end": ".list-end",
    }
    #: Filters with choices, by the name on their button, and those with a number, by their label.
    choices: ClassVar[Mapping[str, str]] = {
        "categories": "Product category",
        "content_types": "Content type",
        "ages": "Follower age",
        "gmv": "GMV",
        "sales": "Items sold",
    }
    numbers: ClassVar[Mapping[str, str]] = {
        "min_followers": "Min followers",
        "min_views": "Min average views",
        "min_engagement": "Min engagement rate",
        "gender_share": "Gender share",
    }

    async def search(self, filters: Filters) -> dict[str, Any]:
        """Open the page, set every filter, and return the data of the first creators.

        Raises CannotRead for a filter or choice that the page has not.
        """
        data = await self.answer(self.call, self.open)
        for name, label in self.choices.items():
            for choice in getattr(filters, name):
                data = await self._choose(label, choice)
        if filters.gender:
            data = await self._select_gender(filters.gender)
        for name, label in self.numbers.items():
            if (number := getattr(filters, name)) is not None:
                data = await self._enter(label, number)
        if filters.keyword:
            data = await self._find(filters.keyword)
        return data

    async def more(self) -> dict[str, Any]:
        """Scroll to the end of the list, and return the data of those who come."""
        return await self.answer(self.call, self._scroll)

    async def _choose(self, label: str, choice: str) -> dict[str, Any]:
        panel = self.at("filter").filter(has=self.tab.get_by_role("button", name=label, exact=True)).first
        with told():
            if not await panel.count():
                raise CannotRead(f"{self.name} has no filter {label}")
            option = panel.get_by_label(choice, exact=True).first
            if not await option.is_visible():
                await panel.get_by_role("button", name=label, exact=True).click()
            if not await option.count():
                raise CannotRead(f"the filter {label} has no choice {choice}")
        return await self._set(option.check, label)

    async def _select_gender(self, gender: str) -> dict[str, Any]:
        select = self.at("gender").first
        with told():
            if not await select.count() or not await select.locator("option", has_text=gender).count():
                raise CannotRead(f"{self.name} has no choice {gender} of gender")
        return await self._set(lambda: select.select_option(label=gender), "gender")

    async def _enter(self, label: str, number: int) -> dict[str, Any]:
        field = self.tab.get_by_label(label, exact=True).first
        with told():
            if not await field.count():
                raise CannotRead(f"{self.name} has no filter {label}")
        return await self._set(lambda: _typed(field, str(number)), label)

    async def _find(self, keyword: str) -> dict[str, Any]:
        with told():
            try:
                await self.at("keyword").first.fill(keyword)
            except Late as error:
                raise PageChanged(f"{self.name} has no search by keyword") from error
        return await self.answer(self.call, lambda: self.click("search_icon"), cursor=0)

    async def _set(self, act: Any, label: str) -> dict[str, Any]:
        try:
            return await self.answer(self.call, act, cursor=0)
        except SiteFailed as error:
            raise SiteFailed(f"the filter {label} was set, and the list did not follow: {error}") from error

    async def _scroll(self) -> None:
        await self.tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")


async def _typed(field: Locator, text: str) -> None:
    await field.fill(text)
    await field.press("Tab")
