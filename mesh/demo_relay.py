"""The marketing events of `mesh demo`: a page by HTTP, out to stand-ins of the vendors, everything configured by hand.

Like the rest of the demo it plays the strangers' part: an operator at the admin API, an order system at the gateway.
"""

import asyncio
import json
import os
import sys
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from mesh.embedded.process import ChildProcess, free_port, port_answers
from mesh.running import RunningMesh
from schemas.clock import utc_now

ROOT = Path(__file__).resolve().parent.parent
STANDINS: Final = ("sgtm", "ga4", "segment")
#: What every stand-in takes.
_SECRET = "sandbox-token"  # noqa: S105 -- it opens nothing
_ASKED = b"GET /_sandbox/counts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_START = timedelta(seconds=30)

#: Each of Bosley's two events goes to its tagging server, Google Analytics and Segment, Pfizer's to its tagging server.
DELIVERIES: Final = 7

Finding = tuple[str, object, object]
"""What was looked at, what was expected, and what was found."""


@asynccontextmanager
async def standing_in(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Run the stand-ins, each a process of its own, and give their addresses by name."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    async with AsyncExitStack() as stack:
        ports = {}
        for name in STANDINS:
            ports[name] = port = free_port()
            child = ChildProcess(f"sandbox-{name}", folder)
            command = [sys.executable, "-m", f"deploy.sandbox.{name}", "--port", str(port)]
            await child.spawn(command, environment, cwd=ROOT)
            stack.push_async_callback(child.stop)
            await child.wait_ready(lambda at=port: port_answers(at, say=_ASKED, expect=b"HTTP/1.1 200"), _START)  # type: ignore[misc] # mypy cannot tell the default's type
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


def environment_of(standins: Mapping[str, str]) -> dict[str, str]:
    """Return the settings with which the mesh sends to the stand-ins instead of the vendors."""
    return {
        "MESH_RELAY_ALLOWED_HOSTS": "127.0.0.1",
        "MESH_RELAY_BASE_URLS": f"ga4={standins['ga4']},segment={standins['segment']}/v1",
    }


class RelayDemonstration:
    """An operator configures two storefronts, an order system posts its page, and the vendors are asked what came."""

    def __init__(self, mesh: RunningMesh, standins: Mapping[str, str]) -> None:
        self._gateway = mesh.addresses.gateway_url
        self._admin = f"{mesh.addresses.admin_url}/admin/v1"
        self._operator = mesh.addresses.admin_login
        self._producer = mesh.addresses.events_users[0]
        self._standins = standins

    async def post(self) -> list[Finding]:
        """Configure everything, then post the page, and post it again."""
        await self._configure()
        page = redated(json.loads((files("mesh") / "examples" / "marketing-events.json").read_text()))
        told = [await _call(f"{self._gateway}/v1/events", page, self._producer) for _ in range(2)]
        first, again = ([each["result"] for each in one["results"]] for one in told)
        return [
            ("POST /v1/events", ["accepted"] * 3, first),
            ("the same page again", ["duplicate"] * 3, again),
        ]

    async def arrived(self) -> list[Finding]:
        """Ask the vendors what they were sent."""
        counts = {name: await _call(f"{url}/_sandbox/counts") for name, url in self._standins.items()}
        found = {name: each["events"] for name, each in counts.items()}
        repeats = sum(each["repeats"] for each in counts.values())
        return [
            ("events at the vendors' stand-ins", {"sgtm": 3, "ga4": 2, "segment": 2}, found),
            ("events that a vendor was sent twice", 0, repeats),
        ]

    async def _configure(self) -> None:
        bosley = await self._add("storefronts", storefront_id="bosley", name="Bosley", domain="bosley.example")
        pfizer = await self._add("storefronts", storefront_id="pfizer", name="Pfizer", domain="pfizer.example")
        server = {"sgtm_url": self._standins["sgtm"]}
        await self._add("sgtm-configs", storefront_id=bosley, **server, measurement_id="G-DEMO1", api_secret=_SECRET)
        headers = {"x-relay-key": _SECRET}
        await self._add("sgtm-configs", storefront_id=pfizer, **server, client_type="custom", custom_headers=headers)
        known = await _call(f"{self._admin}/platforms?limit=1000", login=self._operator)
        platforms = {each["platform_code"]: each["id"] for each in known["items"]}
        for code, credentials in (
            ("ga4", {"measurement_id": "G-DEMO2", "api_secret": _SECRET}),
            ("segment", {"write_key": _SECRET}),
        ):
            where = {"storefront_id": bosley, "platform_id": platforms[code]}
            await self._add("credentials", **where, credentials=credentials, destination_type="direct")

    async def _add(self, resource: str, **values: Any) -> int:
        return int((await _call(f"{self._admin}/{resource}", values, self._operator))["id"])


def redated(page: dict[str, Any]) -> dict[str, Any]:
    """Return a page whose events have just happened: vendors take none that are older than a few days."""
    moment = (utc_now() - timedelta(minutes=2)).isoformat()
    return {**page, "data": [{**item, "event_time": moment} for item in page["data"]]}


async def _call(url: str, body: Any = None, login: str | None = None) -> Any:
    """Ask for JSON, or post it; `login` is name and password."""
    headers = {"Content-Type": "application/json"}
    if login:
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers)  # noqa: S310 - our own loopback address
    return await asyncio.to_thread(lambda: json.load(urllib.request.urlopen(request, timeout=30)))  # noqa: S310
