"""The composition root: from settings to real things, built nowhere else."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from adapters.budgets import Budgets
from adapters.management import Management
from adapters.message_sender import message_sender
from adapters.relay.guard import Guard
from adapters.relay.http import Http
from adapters.relay.port import Adapter
from adapters.relay.registry import adapters, default_bases
from adapters.replies.pace import Pace
from adapters.replies.seen import RedisSeen
from adapters.replies.tiktok import TikTokMessages
from adapters.status import RedisStatusBoard
from adapters.vault import Vault
from brokers import topology
from brokers.breaker import Probe
from brokers.link import Link, addresses
from brokers.publisher import Publisher
from brokers.router import Route
from brokers.status import NoStatusBoard
from brokers.verdict import Conflict
from brokers.worker import Worker
from crawlers.chat_sender import BrowserSender
from handlers.chatbot import Unrecorded
from handlers.crawl.commands import Crawling
from handlers.relay.forwarding import Outside
from handlers.replies.reception import Reception
from handlers.replies.voice import Voice
from mesh.browsing import Browsing, browsing, crawling
from mesh.model import answers_of
from persistence.engine import Database, open_uow
from persistence.uow import Transaction
from publishers.gateway.ports import NothingSeen
from publishers.gateway.tiktok import Webhook
from publishers.schedules.politeness import Politeness, QuietHours
from schemas.chatbot.sending import MessageSender
from schemas.clock import utc_now
from settings import Settings

T = TypeVar("T")

#: How many races a command may lose before it says so.
_RACES = 5


class Unconfigured(ValueError):
    """A setting that this process cannot do without is missing."""


@dataclass(frozen=True)
class Composition:
    """What one process is made of; each part is built when it is first asked for, and connects later still."""

    settings: Settings
    role: str

    def link(self, purpose: str) -> Link:
        """Return a connection of its own, named after role and purpose on the broker's pages."""
        return Link(_required(self.settings.broker_url, "MESH_BROKER_URL"), f"mesh {self.role} {purpose} {_host()}")

    @cached_property
    def publisher(self) -> Publisher:
        """The process's publisher, on a connection that consumes nothing."""
        return Publisher(self.link("publish"))

    @cached_property
    def database(self) -> Database:
        """The process's database pool."""
        return open_uow(database_url(self.settings))

    @cached_property
    def board(self) -> RedisStatusBoard | NoStatusBoard:
        """Where the state of messages is kept; without Redis, nowhere."""
        url = self.settings.redis_url
        return RedisStatusBoard.at(url.get_secret_value()) if url else NoStatusBoard()

    @cached_property
    def http(self) -> Http:
        """The one client that speaks to destinations, which keeps out of our own network."""
        return Http(Guard.allowing(self.settings.relay_allowed_hosts))

    @cached_property
    def adapters(self) -> Mapping[str, Adapter]:
        """Every platform that can be sent to, by code."""
        return adapters(self.http)

    @cached_property
    def vault(self) -> Vault:
        """What opens the secrets in SQL; raises Unconfigured without a key."""
        keys = [key.get_secret_value() for key in self.settings.encryption_keys]
        if not keys:
            raise Unconfigured(
                "MESH_ENCRYPTION_KEYS is not set, so no secret of a destination can be opened. Start everything with "
                "`mesh up`, then run `eval \"$(mesh env)\"` here; or make a key: openssl rand -base64 32 | tr '+/' '-_'"
            )
        try:
            return Vault(keys)
        except ValueError as error:
            raise Unconfigured(f"MESH_ENCRYPTION_KEYS: {error}") from None

    @cached_property
    def base_urls(self) -> Mapping[str, str]:
        """Where the API of each platform is, unless its row says otherwise."""
        return {**default_bases(), **self.settings.relay_base_urls}

    @cached_property
    def outside(self) -> Outside:
        """What sending events to destinations needs besides the database."""
        redis = self.settings.redis_url
        return Outside(
            adapters=self.adapters,
            vault=self.vault,
            budgets=Budgets.at(redis.get_secret_value() if redis else None),
            bases=self.base_urls,
        )

    @cached_property
    def tiktok_http(self) -> Http:
        """The client that speaks to TikTok; its address is the operator's, and may be a stand-in beside us."""
        host = urlsplit(self.settings.tiktok_base_url).hostname or ""
        return Http(Guard.allowing([*self.settings.relay_allowed_hosts, host]))

    @cached_property
    def tiktok(self) -> TikTokMessages:
        """TikTok's direct messages."""
        secrets = self.settings.tiktok_client_secrets
        return TikTokMessages(
            self.tiktok_http,
            self.settings.tiktok_base_url,
            client_key=self.settings.tiktok_client_key or "",
            client_secret=secrets[0].get_secret_value() if secrets else "",
        )

    @cached_property
    def voice(self) -> Voice:
        """What sending replies needs besides the database."""
        redis = self.settings.redis_url
        pace = Pace.at(redis.get_secret_value() if redis else None, self.settings.tiktok_sends_a_minute)
        return Voice(self.tiktok, self.vault, pace)

    @property
    def reception(self) -> Reception:
        """Whose notifications are ours, and the shop's rules for customers who write."""
        settings = self.settings
        return Reception(
            client_key=settings.tiktok_client_key,
            business_ids=frozenset(settings.tiktok_business_ids),
            debounce=timedelta(seconds=settings.replies_debounce_seconds),
            a_minute=settings.replies_inbound_a_minute,
            handoff=timedelta(hours=settings.replies_handoff_hours),
        )

    @cached_property
    def seen(self) -> RedisSeen | NothingSeen:
        """Which notifications the broker has confirmed already; without Redis, none."""
        url = self.settings.redis_url
        return RedisSeen.at(url.get_secret_value()) if url else NothingSeen()

    @cached_property
    def webhook(self) -> Webhook | None:
        """What takes TikTok's notifications in; None without a secret that they are signed with."""
        secrets = [each.get_secret_value().encode() for each in self.settings.tiktok_client_secrets]
        tolerance = timedelta(seconds=self.settings.tiktok_signature_tolerance_seconds)
        return Webhook(secrets, tolerance, self.seen) if secrets else None

    @cached_property
    def browsing(self) -> Browsing:
        """What whoever opens a browser needs; without keys, saved sessions stay on this machine."""
        return browsing(self.settings, self.vault if self.settings.encryption_keys else None)

    @cached_property
    def crawling(self) -> Crawling:
        """What crawls are run with."""
        return crawling(self.settings, self.browsing, self.publisher)

    @cached_property
    def sender(self) -> MessageSender:
        """Who writes to creators; raises Unconfigured where browsers have no account to write as."""
        if self.settings.chatbot_sender != BrowserSender.name:
            return message_sender(self.settings.chatbot_sender)
        accounts = self.browsing.sessions.accounts
        if accounts.problem or not any(each.enabled for each in accounts.listed):
            raise Unconfigured(f"MESH_CHATBOT_SENDER is browser, and {accounts.problem or 'no account is enabled'}")
        return BrowserSender(
            self.browsing.sessions,
            self.settings.data_dir.resolve() / "images",
            default_region=self.settings.samples_default_region,
            regions=self.settings.chatbot_regions,
        )

    def _probes(self) -> Mapping[str, Probe]:
        """Return what is probed for single queues: who types also waits for accounts."""
        sender = self.sender
        if not isinstance(sender, BrowserSender):
            return {}

        async def probe() -> None:
            await self.database.probe()
            await sender.probe()

        return {topology.CHATBOT_SAMPLE_BATCH.name: probe}

    @property
    def politeness(self) -> Politeness:
        """When creators are left in peace, and how many messages a day each of them gets, as the settings say."""
        usual = Politeness.parse(daily_cap=self.settings.chatbot_daily_cap)
        quiet = {region: QuietHours(*span) for region, span in self.settings.chatbot_quiet_hours.items()}
        return Politeness(quiet_hours=quiet, zones=usual.zones, daily_cap=usual.daily_cap)

    def worker(self, routes: list[Route]) -> Worker:
        """Return the consumers of some routes, with everything their handlers ask for."""
        dependencies: dict[str, Any] = {
            "uow": self.database.uow,
            "clock": utc_now,
            "unrecorded": Unrecorded(),
            "reception": self.reception,
            "answers": answers_of(self.settings),
            "politeness": self.politeness,
            "horizons": {code: adapter.limits.horizon for code, adapter in self.adapters.items()},
        }
        probes: Mapping[str, Probe] = {}
        if any(route.queue.name == topology.CHATBOT_SAMPLE_BATCH.name for route in routes):
            dependencies["sender"] = self.sender
            probes = self._probes()
        # Whoever sends nothing to destinations needs no keys of their secrets.
        if any(route.queue.name == topology.RELAY_DELIVERIES_SEND.name for route in routes):
            dependencies["outside"] = self.outside
        if any(route.queue.name == topology.REPLIES_THREADS_SEND.name for route in routes):
            dependencies["voice"] = self.voice
        if any(route.queue.domain == "crawl" for route in routes):
            dependencies["crawling"] = self.crawling
        return Worker(
            routes,
            dependencies,
            link=self.link("consume"),
            publisher=self.publisher,
            board=self.board,
            probe=self.database.probe,
            clock=utc_now,
            probes=probes,
        )

    async def close(self) -> None:
        """Close whatever was built."""
        built = self.__dict__
        if isinstance(sender := built.get("sender"), BrowserSender):
            await sender.close()
        for part in ("publisher", "database", "board", "http", "tiktok_http", "seen", "browsing"):
            if part in built:
                await built[part].close()


async def in_transaction(role: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Run one transaction on the configured database, for a command that needs no more; again if it loses a race."""
    composition = Composition(Settings(), role)
    try:
        for _ in range(_RACES):
            with contextlib.suppress(Conflict):
                async with composition.database.uow() as tx:
                    return await work(tx)
            await asyncio.sleep(random.uniform(0.05, 0.2))
        async with composition.database.uow() as tx:
            return await work(tx)
    finally:
        await composition.close()


def management_of(settings: Settings) -> Management | None:
    """Return the broker's management API for the configured vhost, if its address is known."""
    if settings.broker_management_url is None or settings.broker_url is None:
        return None
    url = addresses(settings.broker_url.get_secret_value())[0]
    vhost = unquote(urlsplit(url).path.removeprefix("/")) or "/"
    return Management(settings.broker_management_url.get_secret_value(), vhost)


def database_url(settings: Settings) -> str:
    """Return the configured database, or SQLite in the data folder."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return f"sqlite:///{settings.data_dir.resolve() / 'mesh.db'}"


def _required(value: SecretStr | None, name: str) -> str:
    if value is None:
        raise Unconfigured(
            f'{name} is not set. Start everything with `mesh up`, then run `eval "$(mesh env)"` here; '
            "or set it to your own service."
        )
    return value.get_secret_value()


def _host() -> str:
    return socket.gethostname()
