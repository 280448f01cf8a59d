"""`mesh crawl`: the crawls that workers run, by hand, with a display that moves."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from brokers.outgoing import Outgoing, outgoing
from brokers.verdict import Reject
from crawlers.campaigns import CampaignsCrawl
from crawlers.crawl import Crawl
from crawlers.creators import CreatorsCrawl
from crawlers.errors import CrawlError
from crawlers.export import Exports
from crawlers.progress import Progress
from crawlers.samples import SamplesCrawl
from mesh.browsing import Browsing, browsing, by_hand, crawling
from mesh.compose import Composition
from mesh.console import console, notes
from mesh.crawl_display import Display
from schemas.clock import utc_now
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples
from schemas.identity import named_id
from schemas.plain_json import canonical
from settings import Settings

Command = CrawlSamples | CrawlCreators | CrawlCampaigns
_INTERRUPTED = 130


@dataclass(frozen=True)
class How:
    """How a crawl is run by hand."""

    site: str | None = None
    account: str | None = None
    is_exported: bool = False
    is_afresh: bool = False
    is_queued: bool = False
    is_read_only: bool = False


class WrongWords(CrawlError):
    """The command asks for what there is not."""


def samples(
    *, region: str, tabs: Sequence[str], campaigns: Sequence[str], max_pages: int | None, expands: bool, logistics: bool
) -> Command:
    """Return the command for sample requests; raises WrongWords."""
    told = {
        "region": region,
        "tabs": list(tabs),
        "campaignIds": list(campaigns),
        "scanAllPages": max_pages is None,
        "maxPages": max_pages,
        "expandViewContent": expands,
        "viewLogistics": logistics,
    }
    return _read(CrawlSamples, told)


def creators(
    *, region: str, keyword: str, categories: Sequence[str], min_fans: int | None, most: int, task: str | None
) -> Command:
    """Return the command for creators; raises WrongWords."""
    strategy = {
        "searchKeywords": [keyword] if keyword else [],
        "productCategory": list(categories),
        "minFans": min_fans,
    }
    told = {"region": region, "searchStrategy": strategy, "maxCreatorsToLoad": most, "taskId": task}
    return _read(CrawlCreators, told)


def campaigns(*, region: str, campaigns: Sequence[str], max_pages: int | None) -> Command:
    """Return the command for campaigns; raises WrongWords."""
    told = {"region": region, "campaignIds": list(campaigns), "maxPages": max_pages}
    return _read(CrawlCampaigns, told)


def run(command: Command, how: How) -> int:
    """Run a crawl, or put it into its queue; 0 when it is done, 130 after Ctrl-C."""
    settings = _settings(how)
    command = command.model_copy(update={"account_name": how.account, "export_excel": how.is_exported})
    if how.is_queued:
        return asyncio.run(_queue(settings, command))
    try:
        return asyncio.run(_crawl(settings, command, how))
    except KeyboardInterrupt:
        notes.print("Stopped. The same command goes on from there; --afresh begins anew.")
        return _INTERRUPTED


async def _queue(settings: Settings, command: Command) -> int:
    composition = Composition(settings, "crawl")
    message = outgoing(command)
    try:
        await composition.publisher.publish(message)
    finally:
        await composition.close()
    console.print(f"{command.key}: {message.message_id}")
    return 0


async def _crawl(settings: Settings, command: Command, how: How) -> int:
    composition = Composition(settings, "crawl")
    ask = notes.input if sys.stdin.isatty() else None
    parts = browsing(settings, composition.vault if settings.encryption_keys else None, ask)
    crawl = _crawl_of(command)
    exports = Exports(settings.data_dir.resolve() / "exports", crawl.kind) if how.is_exported else None
    try:
        publisher = _Nowhere() if how.is_read_only else composition.publisher
        with Display(crawl.kind, notes) as display:
            crawler = by_hand(crawling(settings, parts, publisher), watch=display.show, sink=exports).crawler
            await _from_the_beginning_if_done(parts, crawl, how)
            progress = await crawler.run(crawl)
        files = await exports.finish(crawl.crawl_id, _told(command), utc_now()) if exports else []
    finally:
        await parts.close()
        await composition.close()
    _tell(progress, [str(path) for path in files], is_published=not how.is_read_only)
    return 0


async def _from_the_beginning_if_done(parts: Browsing, crawl: Crawl, how: How) -> None:
    """Forget the place of a run that came to its end: whoever asks again wants to see what is new."""
    cursor = await parts.cursors.load(crawl.crawl_id, utc_now())
    if cursor.is_done or how.is_afresh:
        await parts.cursors.forget(crawl.crawl_id)
    elif cursor.pages:
        notes.print(f"Going on after {cursor.pages} pages of an earlier run; --afresh begins anew.")


def _crawl_of(command: Command) -> Crawl:
    """Return the crawl of a command; the same words are the same crawl, so that it goes on where it stopped."""
    said = command.model_dump(mode="json", by_alias=True, exclude_none=True)
    crawl_id = named_id(f"crawl by hand:{command.key}:{canonical(said).decode()}")
    if isinstance(command, CrawlSamples):
        return SamplesCrawl(command, crawl_id)
    if isinstance(command, CrawlCreators):
        return CreatorsCrawl(command, crawl_id)
    return CampaignsCrawl(command, crawl_id)


def _told(command: Command) -> list[str]:
    """Return the middle of the tables' names."""
    if isinstance(command, CrawlSamples):
        return [command.region, "-".join(command.campaigns) or "all", "-".join(command.tabs)]
    if isinstance(command, CrawlCreators):
        return [command.region, command.task_id or "search"]
    return [command.region, "-".join(command.campaigns) or "all"]


def _tell(progress: Progress, files: Sequence[str], *, is_published: bool) -> None:
    verb = "published" if is_published else "read, and nothing published"
    console.print(f"{progress.rows:,} rows of {progress.pages:,} pages {verb}, as account {progress.account}.")
    for note, number in (
        ("recoveries on the way", progress.recoveries),
        ("records or drawers left out", progress.skipped),
    ):
        if number:
            console.print(f"{number} {note}; see the log, and the folder crawl/failures below MESH_DATA_DIR.")
    for path in files:
        console.print(path, soft_wrap=True)


def _settings(how: How) -> Settings:
    if how.site:
        os.environ["MESH_SITE_URL"] = how.site
    return Settings()


def _read(kind: type[Command], told: Mapping[str, object]) -> Command:
    try:
        return kind.model_validate({name: value for name, value in told.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise WrongWords(f"{place + ' ' if place else ''}{first['msg'].removeprefix('Value error, ')}") from None


class _Nowhere:
    """Confirms everything and keeps nothing."""

    async def publish_many(self, messages: Sequence[Outgoing]) -> list[Exception | Reject | None]:
        """Say that all is well."""
        return [None] * len(messages)
