"""The few calls that a private broker's management API is asked for, with the standard library alone."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote


class ManagementError(RuntimeError):
    """The management API refused."""


class Management:
    """RabbitMQ's HTTP API on loopback; calls run in a thread."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._authorization = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    async def call(self, method: str, *path: str, body: Any = None) -> Any:
        """Call `/api/<path>`, each part of which is quoted; return the parsed answer."""
        return await asyncio.to_thread(self._call, method, "/".join(quote(part, safe="") for part in path), body)

    async def answers(self) -> bool:
        """Tell whether the API is up and knows us."""
        try:
            await self.call("GET", "whoami")
        except (ManagementError, OSError):
            return False
        return True

    def _call(self, method: str, path: str, body: Any) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the address is our own loopback one
            f"{self._url}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self._authorization, "Content-Type": "application/json"},
        )
        # No proxy of the environment may come between us and loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as response:
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")
            raise ManagementError(f"{method} /api/{path}: {error.code} {reason}") from error
