"""The crawl of creators: a search, and the page of each one who is found."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from brokers.outgoing import Outgoing, outgoing
from crawlers.crawl import Read
from crawlers.errors import CannotRead, PageChanged, SiteFailed
from crawlers.pages.chat import ChatPage
from crawlers.pages.creator_detail import CreatorDetailPage
from crawlers.pages.find_creators import Filters, FindCreatorsPage
from crawlers.progress import Progress
from crawlers.publishing import page_message
from crawlers.rows.creators import creator_id, creator_row, is_complete
from crawlers.rows.reading import storable
from crawlers.session import Session
from schemas.clock import Clock, utc_now
from schemas.crawl.messages import CrawlCreators
from schemas.creators.messages import IngestCreators
from schemas.identity import named_id
from schemas.outreach.messages import Action, ControlOutreach
from schemas.plain_json import clean_text

log = structlog.get_logger()

SOURCE = "mesh.crawlers.creators"
#: How often one creator's page is tried before the row goes out with what the search told.
_TRIES = 3
#: So many creators in a row of whom next to nothing was read are no bad luck: the site does not show their pages.
_MOST_INCOMPLETE = 3
#: What a task's word may hold.
_LONGEST_REASON = 500
#: Who wants both kinds of content filters by none.
_ALL_CONTENT = 2


async def always() -> bool:
    """Go on, whatever has become of the task."""
    return True


@dataclass
class CreatorsCrawl:
    """What a command asks for."""

    command: CrawlCreators
    crawl_id: str
    clock: Clock = utc_now
    #: Asked before each creator; False ends the crawl, NotNow lets it wait.
    goes_on: Callable[[], Awaitable[bool]] = always
    kind: str = "creators"
    #: What its messages' ids follow from, where the crawl's own id is not new for every run.
    run: str = ""
    #: How many creators in a row were read of whom next to nothing came.
    incomplete: int = 0

    @property
    def region(self) -> str:
        """Whose accounts may run it."""
        return self.command.region

    @property
    def account_name(self) -> str | None:
        """The account that is to run it, if it must be a certain one."""
        return self.command.account_name

    @property
    def longest(self) -> timedelta:
        """How long it may be worked on, rests left out."""
        return self.command.longest

    def resumed(self, place: dict[str, Any]) -> dict[str, Any]:
        """Go on exactly there: who has been read is known by id."""
        return place

    async def read(self, session: Session, place: dict[str, Any], progress: Progress) -> AsyncGenerator[Read, None]:
        """Read on, one creator at a time; the place is who has been read.

        Last, the task is told that no more creators come.
        """
        done: list[str] = list(place.get("done", ()))
        progress.expected = self.command.max_creators_to_load
        async with session.beside() as tab, aclosing(self._found(session, progress)) as people:
            detail = CreatorDetailPage(tab, session.site, session.wishes.patience)
            known = set(done)
            while len(done) < self.command.max_creators_to_load and await self.goes_on():
                found = await anext(people, None)
                if found is None:
                    break
                whom = creator_id(found)
                if whom is None or whom in known:
                    progress.skipped += whom is None
                    continue
                row = await self._row(session, detail, found, progress)
                self.incomplete = 0 if is_complete(row) else self.incomplete + 1
                if self.incomplete >= _MOST_INCOMPLETE:
                    raise SiteFailed(f"the pages of {self.incomplete} creators in a row show next to nothing")
                known.add(whom)
                done.append(whom)
                progress.pages += 1
                progress.rows += 1
                yield Read([self._message(session, row)], {"done": list(done)}, [row])
        if self.command.task_id:
            yield Read([self.end(self.command.task_id)], {"done": done}, [])

    async def _found(self, session: Session, progress: Progress) -> AsyncGenerator[dict[str, Any], None]:
        """Yield whom the search finds, as long as it brings anybody new."""
        search = FindCreatorsPage(session.tab, session.site, session.wishes.patience)
        seen: set[str] = set()
        async with aclosing(search.people(filters_of(self.command), session.turn)) as pages:
            async for data in pages:
                people = data.get("list")
                if not isinstance(people, list):
                    raise PageChanged("the list of creators is no list")
                progress.expected = min(self.command.max_creators_to_load, data.get("total") or 10**9)
                fresh = [each for each in people if isinstance(each, dict) and creator_id(each) not in seen]
                for each in fresh:
                    seen.add(creator_id(each) or "")
                    yield each
                if not fresh:
                    return

    async def _row(
        self, session: Session, detail: CreatorDetailPage, found: dict[str, Any], progress: Progress
    ) -> dict[str, Any]:
        """Return a creator's row; a page that will not come leaves what the search told."""
        whom = creator_id(found) or ""
        progress.place, progress.doing = f"creator {found.get('handle') or whom}", "reading"
        chat_url = ChatPage.address(session.site, whom)
        row: dict[str, Any] = {}
        for attempt in range(1, _TRIES + 1):
            await session.turn()
            try:
                profile = await detail.profile(whom)
            except SiteFailed as error:
                log.warning("crawl_creator_failed", creator=whom, attempt=attempt, error=str(error)[:200])
                profile = {}
            row = creator_row(found, profile, self.region, chat_url, self.clock())
            if is_complete(row):
                break
        else:
            progress.skipped += 1
            log.warning("crawl_creator_incomplete", creator=whom, fields=len(row))
        if self.command.brand_name:
            row["brandName"] = self.command.brand_name
        if self.command.keywords:
            row["searchKeywords"] = ",".join(self.command.keywords)[:128]
        return storable(row)

    def end(self, task_id: str, reason: str | None = None) -> Outgoing:
        """Return what tells the task that no more creators come; with a reason, that the search has failed."""
        reason = clean_text(reason)[:_LONGEST_REASON] if reason else None
        told = ControlOutreach(action=Action.END, task_id=task_id, reason=reason)
        name = f"{self.run or self.crawl_id}:{told.key}:{told.action}{':failed' if reason else ''}"
        return outgoing(told, message_id=named_id(name), correlation_id=self.crawl_id)

    def _message(self, session: Session, row: dict[str, Any]) -> Outgoing:
        command = self.command
        strategy = command.search_strategy.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        options: dict[str, Any] = {
            "accountName": session.account.name,
            "region": command.region,
            "searchStrategy": strategy,
        }
        if command.brand_name:
            options["brandName"] = command.brand_name
        if command.task_id:
            options |= {"taskId": command.task_id, "contact": True}
        body = IngestCreators(
            source=SOURCE,
            operator_id=command.operator_id or session.account.operator_id,
            options=options,
            rows=[row],
        )
        return page_message(body, self.run or self.crawl_id, row["platformCreatorId"], rows=[row])


def filters_of(command: CrawlCreators) -> Filters:
    """Return a command's search in the words of the page; raises CannotRead."""
    wanted = command.search_strategy
    gender, share = _gender(wanted.fans_gender)
    content = wanted.content_type
    return Filters(
        keyword=command.keywords[0] if command.keywords else "",
        categories=tuple(wanted.product_category),
        content_types=() if len(content) >= _ALL_CONTENT else tuple(content),
        ages=tuple(wanted.fans_age_range),
        gmv=_bands(wanted.gmv, wanted.min_gmv, {"0-100": 0, "100-1k": 100, "1k-10k": 1000, "10k+": 10_000}),
        sales=_bands(wanted.sales, wanted.min_sales, {"0-10": 0, "10-100": 10, "100-1k": 100, "1k+": 1000}),
        gender=gender,
        gender_share=share,
        min_followers=wanted.min_fans,
        min_views=wanted.avg_views,
        min_engagement=wanted.min_engagement_rate,
    )


def _gender(told: str | None) -> tuple[str, int | None]:
    """Read "Female 60%"."""
    if not told:
        return "", None
    word, _, share = told.strip().partition(" ")
    gender = word.capitalize()
    if gender not in {"Female", "Male"}:
        if gender in {"Any", "All"}:
            return "", None
        raise CannotRead(f"fansGender is neither Female nor Male: {told[:40]}")
    digits = "".join(filter(str.isdigit, share))
    return gender, int(digits) if digits else None


def _bands(named: list[str], least: int | None, bands: dict[str, int]) -> tuple[str, ...]:
    """Return the bands that are named, or else those that reach a least number."""
    if named:
        return tuple(named)
    if not least:
        return ()
    begins = list(bands.values())
    ends = [*begins[1:], None]
    return tuple(name for name, end in zip(bands, ends, strict=True) if end is None or end > least)
