"""`mesh crawl`: the crawls that workers run, by hand, with a display that moves."""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from brokers.outgoing import Outgoing, outgoing
from brokers.verdict import Reject
from crawlers.campaigns import CampaignsCrawl
from crawlers.creators import CreatorsCrawl
from crawlers.errors import CrawlError
from crawlers.export import Exports, Tables, words_of
from crawlers.progress import Progress
from crawlers.samples import SamplesCrawl
from mesh.browsing import Browsing, browsing, crawling, in_turns
from mesh.compose import Composition
from mesh.console import console, notes
from mesh.crawl_display import Display
from schemas.clock import utc_now
from schemas.crawl.messages import CrawlCampaigns, CrawlCreators, CrawlSamples
from schemas.identity import named_id
from schemas.plain_json import canonical
from settings import Settings

Command = CrawlSamples | CrawlCreators | CrawlCampaigns
Crawl = SamplesCrawl | CreatorsCrawl | CampaignsCrawl
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
    crawl = _crawl_of(command, how, settings.site_url)
    exports = Exports(settings.data_dir.resolve() / "exports", crawl.kind) if how.is_exported else None
    try:
        publisher = _Nowhere() if how.is_read_only else composition.publisher
        with Display(crawl.kind, notes) as display:
            crawler = replace(crawling(settings, parts, publisher).crawler, watch=display.show, sink=exports)
            began_at = await _from_the_beginning_if_done(parts, crawl, how, exports)
            run = replace(crawl, run=named_id(f"{crawl.crawl_id}:{began_at}"))
            progress = await in_turns(crawler, run)
        written = exports.finish(crawl.crawl_id, words_of(command), utc_now(), progress.tabled) if exports else None
        tables = await written if written else Tables([])
    finally:
        await parts.close()
        await composition.close()
    _tell(progress, tables, is_published=not how.is_read_only)
    return 0


async def _from_the_beginning_if_done(parts: Browsing, crawl: Crawl, how: How, exports: Exports | None) -> str:
    """Forget the place of a run that came to its end, and return when the run that is to go on began.

    Whoever asks again wants to see what is new. What is as it was is then said again: it has been seen again.
    """
    cursor = await parts.cursors.load(crawl.crawl_id, utc_now())
    if cursor.is_done or how.is_afresh:
        await parts.cursors.forget(crawl.crawl_id)
        if exports:
            exports.forget(crawl.crawl_id)
        cursor = await parts.cursors.load(crawl.crawl_id, utc_now())
    elif cursor.pages:
        notes.print(f"Going on after {cursor.pages} pages of an earlier run; --afresh begins anew.")
    if not cursor.pages:
        await parts.cursors.save(cursor)
    return cursor.began_at


def _crawl_of(command: Command, how: How, site: str | None = None) -> Crawl:
    """Return the crawl of a command; the same words are the same crawl, so that it goes on where it stopped.

    What was read of another site, or was not published, is another crawl.
    """
    said = command.model_dump(mode="json", by_alias=True, exclude_none=True)
    where = f"{'read only' if how.is_read_only else ''}:{site or ''}"
    crawl_id = named_id(f"crawl by hand:{command.key}:{where}:{canonical(said).decode()}")
    if isinstance(command, CrawlSamples):
        return SamplesCrawl(command, crawl_id)
    if isinstance(command, CrawlCreators):
        return CreatorsCrawl(command, crawl_id)
    return CampaignsCrawl(command, crawl_id)


def _tell(progress: Progress, tables: Tables, *, is_published: bool) -> None:
    verb = "published" if is_published else "read, and nothing published"
    console.print(f"{progress.rows:,} rows of {progress.pages:,} pages {verb}, as account {progress.account}.")
    for note, number in (
        ("recoveries on the way", progress.recoveries),
        ("records or drawers left out", progress.skipped),
    ):
        if number:
            console.print(f"{number} {note}; see the log, and the folder crawl/failures below MESH_DATA_DIR.")
    for path in tables.files:
        console.print(str(path), soft_wrap=True)
    if tables.lacking:
        console.print(f"The tables lack {tables.lacking} pages, which were read on another machine.")


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
