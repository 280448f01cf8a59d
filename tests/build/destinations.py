"""A destination to test an adapter with: a stand-in that runs, an account there, and the adapter that writes to it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay.http import Http
from adapters.relay.mapping import built_in
from adapters.relay.port import Account, Adapter, Outcome, RelayEvent, Told
from deploy.sandbox.standin import Standin
from tests.build.sandbox import account, local_http, standing_in


class Destination:
    """What a test says to a platform, and what it is told."""

    def __init__(self, adapter: Adapter, standin: Standin, at: Account) -> None:
        self.adapter = adapter
        self.standin = standin
        self.account = at

    def other(self, **values: Any) -> Account:
        """The account, but with other credentials or ids."""
        return replace(self.account, **values)

    def render(self, event: RelayEvent) -> dict[str, Any]:
        return self.adapter.render(event, self.account, built_in(self.adapter.code))

    async def send(self, *events: RelayEvent | dict[str, Any], to: Account | None = None) -> Told:
        """Send what is rendered already as it is, and events as the adapter renders them."""
        rendered = [self.render(each) if isinstance(each, RelayEvent) else each for each in events]
        return await self.adapter.send(to or self.account, rendered)

    async def said(self, *events: RelayEvent | dict[str, Any], to: Account | None = None) -> Outcome:
        """What became of the first of these events."""
        return (await self.send(*events, to=to)).outcomes[0]

    def taken(self) -> list[dict[str, Any]]:
        """What the platform has, as it was said."""
        return [each.event for each in self.standin.events()]


@asynccontextmanager
async def destination(
    make: Callable[[Http], Adapter], standin: Standin, path: str, credentials: Mapping[str, Any], **values: Any
) -> AsyncIterator[Destination]:
    """A destination whose calls are given up after a second."""
    async with standing_in(standin) as address, local_http(timedelta(seconds=1)) as http:
        adapter = make(http)
        yield Destination(adapter, standin, account(adapter.code, f"{address}{path}", credentials, **values))
