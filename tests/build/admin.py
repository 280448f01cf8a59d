"""An admin API on a real database, and clients of every role in front of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import httpx
from pydantic import SecretStr

from adapters.relay.guard import Guard
from adapters.relay.port import Account, Adapter, Limits, Outcome, RelayEvent, Told, Verdict
from adapters.replies.port import Grant
from adapters.replies.port import Outcome as Refused
from adapters.vault import Vault, new_key
from persistence.uow import Uow
from publishers.admin.app import admin
from publishers.admin.border import Border
from publishers.admin.desk import Connecting, Desk
from publishers.admin.people import People
from tests.build.records import NOON

PASSWORDS = {"ada": "ada-password", "sue": "sue-password", "bob": "bob-password", "oms": "oms-password"}
OPERATORS = ("ada:ada-password:admin", "sue:sue-password:read+secrets", "bob:bob-password:read")
API = "/admin/v1"


@dataclass
class FakePlatform:
    """A platform that says what it is told to when it is tried."""

    code: str = "meta_capi"
    outcome: Outcome = field(default_factory=lambda: Outcome(verdict=Verdict.DELIVERED, status=200))
    accounts: list[Account] = field(default_factory=list)
    limits: Limits = field(
        default_factory=lambda: Limits(
            events_a_call=10,
            bytes_a_call=10_000,
            horizon=timedelta(hours=48),
            freshness=timedelta(days=7),
            calls=10,
            period=timedelta(seconds=1),
        )
    )
    credential_schema: Mapping[str, Any] = field(default_factory=dict)

    def render(self, event: RelayEvent, account: Account, mapping: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        raise NotImplementedError

    async def test(self, account: Account) -> Outcome:
        self.accounts.append(account)
        return self.outcome


@dataclass
class FakeTikTok:
    """TikTok, where codes become what a test says; `asked` is what it was asked to exchange."""

    granted: Grant | Refused = field(
        default_factory=lambda: Grant("biz-1", "access-in-clear", timedelta(days=1), "refresh-in-clear", None)
    )
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def connect(self, auth_code: str, redirect_uri: str) -> Grant | Refused:
        self.asked.append((auth_code, redirect_uri))
        return self.granted


@dataclass
class World:
    """The admin API and what is behind it."""

    uow: Uow
    vault: Vault = field(default_factory=lambda: Vault([new_key()]))
    platform: FakePlatform = field(default_factory=FakePlatform)
    server: FakePlatform = field(default_factory=lambda: FakePlatform("sgtm"))
    tiktok: FakeTikTok = field(default_factory=FakeTikTok)
    is_connecting: bool = True
    now: datetime = NOON
    is_away: bool = False

    @cached_property
    def app(self) -> Border:
        adapters: dict[str, Adapter] = {"meta_capi": self.platform, "sgtm": self.server}
        desk = Desk(
            uow=self.uow,
            clock=lambda: self.now,
            vault=self.vault,
            guard=Guard(),
            adapters=adapters,
            bases={"meta_capi": "https://graph.example/v1"},
            connecting=Connecting(self.tiktok, "awk7demo01", "https://tiktok.example/authorize")
            if self.is_connecting
            else None,
        )
        people = People(map(SecretStr, OPERATORS), [SecretStr("oms:oms-password")])
        return admin(desk, people, self._probe, "1.2.3")

    def client(self, who: str | None = "ada") -> httpx.AsyncClient:
        """Return a client that shows somebody's password, or none."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        auth = (who, PASSWORDS.get(who, "a guess")) if who else None
        return httpx.AsyncClient(transport=transport, base_url="http://admin", auth=auth)

    async def call(self, method: str, path: str, body: Any = None, who: str | None = "ada") -> httpx.Response:
        """Call one path below the API's prefix, or an absolute one that begins with two slashes."""
        url = path[1:] if path.startswith("//") else API + path
        async with self.client(who) as client:
            return await client.request(method, url, json=body)

    async def get(self, path: str, who: str = "ada") -> Any:
        response = await self.call("GET", path, who=who)
        assert response.status_code == 200, response.text
        return response.json()

    async def made(self, path: str, **body: Any) -> Any:
        """Create something as the administrator."""
        response = await self.call("POST", path, body)
        assert response.status_code == 201, response.text
        return response.json()

    async def audit(self) -> list[tuple[str, str, str]]:
        """Who did what to which kind of thing, newest first."""
        return [(each["who"], each["action"], each["resource"]) for each in (await self.get("/audit"))["items"]]

    async def _probe(self) -> None:
        if self.is_away:
            raise OSError("mysql://mesh:hush@host/ is away")
