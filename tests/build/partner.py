"""An account at a stand-in, and the adapter that writes to it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.relay.http import Http
from adapters.relay.mapping import built_in
from adapters.relay.port import Account, Adapter, Outcome, RelayEvent, Told
from deploy.sandbox.standin import Standin, Taken
from tests.build.sandbox import account, local_http, standing_in


class Partner:
    """What a test of an adapter needs: it renders, sends, and looks at what has arrived."""

    def __init__(self, adapter: Adapter, standin: Standin, at: Account) -> None:
        self.adapter = adapter
        self.standin = standin
        self.account = at

    def with_credentials(self, **credentials: Any) -> "Partner":
        """The same, as somebody else."""
        return Partner(self.adapter, self.standin, replace(self.account, credentials=credentials))

    def render(self, event: RelayEvent, mapping: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Render an event, by the mapping that comes with the adapter unless another is given."""
        return self.adapter.render(event, self.account, mapping or built_in(self.adapter.code))

    async def send(self, *events: RelayEvent | dict[str, Any]) -> Told:
        """Send events in one call, rendered or as they are."""
        rendered = [self.render(each) if isinstance(each, RelayEvent) else each for each in events]
        return await self.adapter.send(self.account, rendered)

    async def said(self, *events: RelayEvent | dict[str, Any]) -> Outcome:
        """Send events and return what became of the first."""
        return (await self.send(*events)).outcomes[0]

    async def test(self) -> Outcome:
        """Try the account."""
        return await self.adapter.test(self.account)

    def taken(self) -> list[Taken]:
        """What has arrived."""
        return self.standin.events()


@asynccontextmanager
async def partner(
    make: Callable[[Http], Adapter], standin: Standin, credentials: Mapping[str, Any], path: str = ""
) -> AsyncIterator[Partner]:
    """A running stand-in with an account."""
    async with standing_in(standin) as address, local_http(timedelta(seconds=1)) as http:
        adapter = make(http)
        yield Partner(adapter, standin, account(adapter.code, f"{address}{path}", credentials))
