"""The search of creators: a keyword, filters, a list that grows as one scrolls."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from playwright.async_api import Locator
from playwright.async_api import TimeoutError as Late

from crawlers.browser import told
from crawlers.errors import CannotRead, PageChanged, SiteFailed
from crawlers.pages.arrivals import Arrivals, arriving
from crawlers.pages.page import SitePage

Found = AsyncGenerator[dict[str, Any], None]


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
    occasional: ClassVar[frozenset[str]] = frozenset({"end"})
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

    def parts(self) -> Mapping[str, tuple[str, Locator]]:
        """Return the filters, by their labels."""
        within = self.selectors["filter"]
        choices = {
            f"filter {label}": (f"{within} with the button {label}", self._panel(label))
            for label in self.choices.values()
        }
        numbers = {
            f"filter {label}": (f"what is labelled {label}", self._field(label)) for label in self.numbers.values()
        }
        return {**choices, **numbers}

    def _panel(self, label: str) -> Locator:
        return self.at("filter").filter(has=self.tab.get_by_role("button", name=label, exact=True)).first

    def _field(self, label: str) -> Locator:
        return self.tab.get_by_label(label, exact=True).first

    async def people(self, filters: Filters, turn: Callable[[], Awaitable[None]]) -> Found:
        """Open the page, set every filter, and yield the data of those who are found, scrolling on to the end.

        `turn` is awaited before each step. Raises CannotRead for a filter or choice that the page has not. What the
        page loads by itself is taken as well, and what it still had under way for other filters is not.
        """
        async with arriving(self.tab, lambda response: self.call in response.url) as came:
            await turn()
            data = await self._search(filters, turn)
            taken = max(number for number, each in enumerate(came.listed) if not each.asked.get("cursor"))
            asked = came.listed[taken].asked.get("filters")
            while True:
                yield data
                if not data.get("has_more", True):
                    return
                taken = await self._next(came, taken, asked, turn)
                data = await came.listed[taken].data

    async def _next(self, came: Arrivals, taken: int, asked: Any, turn: Callable[[], Awaitable[None]]) -> int:
        """Return the number of the next answer for these filters; scrolls where it has not come yet."""
        seconds, is_scrolled = self.patience_ms / 1000, False
        while True:
            for number in range(taken + 1, len(came.listed)):
                if came.listed[number].asked.get("filters") == asked:
                    return number
            count = len(came.listed)
            if not is_scrolled:
                await turn()
                with told():
                    await self.tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")
                is_scrolled = True
            if not await came.at_least(count + 1, seconds):
                await self.raise_for_wall()
                raise SiteFailed(f"no answer to …{self.call} within {seconds:.0f} s")

    async def _search(self, filters: Filters, turn: Callable[[], Awaitable[None]]) -> dict[str, Any]:
        data = await self.answer(self.call, self.open)
        for name, label in self.choices.items():
            for choice in getattr(filters, name):
                await turn()
                data = await self._choose(label, choice)
        if filters.gender:
            await turn()
            data = await self._select_gender(filters.gender)
        for name, label in self.numbers.items():
            if (number := getattr(filters, name)) is not None:
                await turn()
                data = await self._enter(label, number)
        if filters.keyword:
            await turn()
            data = await self._find(filters.keyword)
        return data

    async def _choose(self, label: str, choice: str) -> dict[str, Any]:
        panel = self._panel(label)
        with told():
            if not await panel.count():
                raise CannotRead(f"{self.name} has no filter {label}")
            option = panel.get_by_label(choice, exact=True).first
            if not await option.is_visible():
                await panel.get_by_role("button", name=label, exact=True).click()
            if not await option.count():
                raise CannotRead(f"the filter {label} has no choice {choice}")
        data = await self._set(option.check, label)
        with told():
            await panel.get_by_role("button", name=label, exact=True).click()
        return data

    async def _select_gender(self, gender: str) -> dict[str, Any]:
        select = self.at("gender").first
        with told():
            if not await select.count() or not await select.locator("option", has_text=gender).count():
                raise CannotRead(f"{self.name} has no choice {gender} of gender")
        return await self._set(lambda: select.select_option(label=gender), "gender")

    async def _enter(self, label: str, number: int) -> dict[str, Any]:
        field = self._field(label)
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


async def _typed(field: Locator, text: str) -> None:
    await field.fill(text)
    await field.press("Tab")
