"""From settings to browsers that drive sellers' accounts: leases, saved sessions, codes, failures."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from redis.asyncio import Redis

from adapters.vault import Vault
from brokers.publisher import Publisher
from crawlers.accounts import Account, Accounts, local_account
from crawlers.browser import BrowserWishes
from crawlers.codes import AskedCodes, CodeSource, ImapCodes, OutboxCodes
from crawlers.crawl import Crawl, Crawler
from crawlers.cursors import Cursors
from crawlers.errors import AccountBusy, TurnOver
from crawlers.failures import Failures
from crawlers.leases import FileLeases, Leases, RedisLeases
from crawlers.pace import Politeness
from crawlers.pauses import Pauses
from crawlers.progress import Progress
from crawlers.publishing import Outlet, Publishes
from crawlers.saved import SavedSessions
from crawlers.session import Session, Sessions
from crawlers.shelf import FileShelf, RedisShelf, Shelf
from handlers.crawl.commands import Crawling
from settings import Settings

#: Redis answers in a millisecond; a lease is renewed in time even if it takes this long.
_PATIENCE = timedelta(seconds=5)
_UNSET = "MESH_ACCOUNTS_FILE is not set"
#: Long enough for whoever waits in line to look; who looks more seldom than that would miss a sender's own breaks.
_BETWEEN_TURNS_S = 2.0
_BUSY_LOOK_S = 0.5
#: Regions whose stand-in accounts are made up where a stand-in is all there is.
_LOCAL_REGIONS = ("MX", "FR", "ES", "BR")


@dataclass(frozen=True)
class Browsing:
    """What whoever opens a browser needs; with Redis shared among machines, without it among processes of this one."""

    sessions: Sessions
    cursors: Cursors
    pauses: Pauses
    leases: Leases
    redis: Redis | None

    async def close(self) -> None:
        """Close the connection to Redis."""
        if self.redis is not None:
            await self.redis.aclose()


def browsing(settings: Settings, vault: Vault | None, ask: Callable[[str], str] | None = None) -> Browsing:
    """Return it as the settings say; `ask` is for codes that a person at the terminal types."""
    folder = settings.data_dir.resolve() / "crawl"
    redis = _redis(settings)
    files = FileShelf(folder / "shelf")
    shelf: Shelf = RedisShelf(redis) if redis else files
    leases: Leases = RedisLeases(redis) if redis else FileLeases(folder / "leases")
    pauses = Pauses(shelf)
    sessions = Sessions(
        accounts=accounts_of(settings),
        leases=leases,
        pauses=pauses,
        # Cookies open the account: what is not sealed stays in files that only we can read.
        saved=_sealed(shelf, vault) if vault else SavedSessions(files),
        failures=Failures(folder / "failures"),
        wishes=BrowserWishes(
            program=settings.chromium_path,
            is_headless=settings.crawl_headless,
            has_sandbox=settings.chromium_sandbox,
            pages=settings.crawl_browser_pages,
        ),
        politeness=Politeness(settings.crawl_steps_per_minute, hours=settings.crawl_hours),
        codes=partial(_codes, vault, ask),
        base=settings.site_url,
    )
    return Browsing(sessions, Cursors(shelf), pauses, leases, redis)


def crawling(settings: Settings, parts: Browsing, publisher: Publisher | Publishes) -> Crawling:
    """Return what the handlers of crawls are given."""
    crawler = Crawler(
        sessions=parts.sessions,
        outlet=Outlet(publisher),
        cursors=parts.cursors,
        turn=timedelta(minutes=settings.crawl_turn_minutes),
    )
    return Crawling(crawler, settings.data_dir.resolve() / "exports")


async def in_turns(crawler: Crawler, crawl: Crawl) -> Progress:
    """Run a crawl to its end for a person who waits.

    Between two turns its account is free for a moment, so that messages, and other crawls, get theirs.
    """
    has_had_one = False
    while True:
        try:
            return await crawler.run(crawl)
        except TurnOver:
            has_had_one = True
            await crawler.sleep(_BETWEEN_TURNS_S)
        except AccountBusy:
            if not has_had_one:
                raise
            await crawler.sleep(_BUSY_LOOK_S)


def accounts_of(settings: Settings) -> Accounts:
    """Return the accounts of the file, or those of a stand-in where only that is set.

    An account of a stand-in would have another site mail its codes to an address that is somebody else's.
    """
    if settings.accounts_file is None and settings.site_url is not None:
        if not _is_ours(settings.site_url):
            return Accounts((), f"{_UNSET}, and nobody can log in to another's site without an account")
        url = settings.site_url
        return Accounts([local_account(url, region, f"sandbox-{region.lower()}") for region in _LOCAL_REGIONS])
    return Accounts.read(settings.accounts_file)


def _is_ours(site: str) -> bool:
    """Tell whether a site runs on this machine, or beside it under a name of no domain, as stand-ins do."""
    host = urlsplit(site).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host


def _codes(vault: Vault | None, ask: Callable[[str], str] | None, account: Account, session: Session) -> CodeSource:
    if account.mailbox is None:
        return AskedCodes(ask or (lambda _: ""))
    if account.mailbox.kind == "outbox":
        return OutboxCodes(session.fetch_json)
    return ImapCodes(lambda mailbox: mailbox.password(vault.open if vault else None))


def _sealed(shelf: Shelf, vault: Vault) -> SavedSessions:
    return SavedSessions(
        shelf,
        seal=lambda state: vault.seal(state.decode()).encode(),
        unseal=lambda kept: str(vault.open(kept.decode())).encode(),
    )


def _redis(settings: Settings) -> Redis | None:
    if settings.redis_url is None:
        return None
    seconds = _PATIENCE.total_seconds()
    return Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=seconds, socket_connect_timeout=seconds)
