"""Stand-ins of vendors for tests, in this process on a free port of the loopback, and what adapters say to them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from adapters.relay.guard import Guard
from adapters.relay.http import PATIENCE, Http
from adapters.relay.port import Account, RelayEvent
from deploy.sandbox.standin import Standin, bound, server_of
from schemas.relay.records import DestinationKind

#: Someone whom every platform can match.
PERSON: Mapping[str, Any] = MappingProxyType(
    {
        "email": " Jane.Doe@Example.com ",
        "phone": "(650) 555-1212",
        "first_name": "Jane",
        "last_name": "Doe",
        "city": "Menlo Park",
        "state": "CA",
        "zip": "94025-1234",
        "country": "us",
        "client_ip_address": "203.0.113.7",
        "client_user_agent": "Mozilla/5.0",
    }
)


@asynccontextmanager
async def standing_in(standin: Standin) -> AsyncIterator[str]:
    """A running stand-in; gives its address without a slash at the end."""
    listener = bound()
    server = server_of(standin)
    server.capture_signals = nullcontext  # a test's signals are pytest's
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.005)
        host, port = listener.getsockname()[:2]
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = server.force_exit = True
        with suppress(asyncio.CancelledError):
            await running
        listener.close()


@asynccontextmanager
async def local_http(patience: timedelta = PATIENCE) -> AsyncIterator[Http]:
    """A client that may reach stand-ins on the loopback, and else only what anyone may."""
    http = Http(Guard.allowing(["127.0.0.1"]), patience=patience)
    try:
        yield http
    finally:
        await http.close()


def relay_event(event_id: str = "o-1", **values: Any) -> RelayEvent:
    """A purchase of the storefront `bosley` a minute ago, by a person that every platform can match."""
    kind = values.get("event_type", "purchase_completed")
    made = RelayEvent(
        downstream_id=f"bosley:{kind}:{event_id}",
        storefront_code="bosley",
        event_type=kind,
        event_id=event_id,
        event_time=datetime.now(UTC) - timedelta(minutes=1),
        payload={"order_id": event_id, "session_id": "s-1", "event_source_url": "https://bosley.example/checkout"},
        value=Decimal("129.50"),
        currency="USD",
        user_data=PERSON,
    )
    return replace(made, **values)


def account(code: str, base_url: str, credentials: Mapping[str, Any], **values: Any) -> Account:
    """A storefront's account at a platform."""
    made = Account(
        destination_id=1,
        kind=DestinationKind.DIRECT,
        platform_code=code,
        storefront_code="bosley",
        base_url=base_url,
        credentials=credentials,
        domain="bosley.example",
    )
    return replace(made, **values)
