"""The few calls that a private broker's management API is asked for, with the standard library alone."""

import asyncio
import base64
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote, unquote, urlsplit


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

    @classmethod
    def at(cls, url: str) -> "Management":
        """Read user and password from the URL."""
        parts = urlsplit(url)
        address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        return cls(address, unquote(parts.username or "guest"), unquote(parts.password or "guest"))

    async def date(self) -> str:
        """Return the server's clock as its Date header says it."""
        return await asyncio.to_thread(lambda: self._open("GET", "whoami", None)[0])

    async def answers(self) -> bool:
        """Tell whether the API is up and knows us."""
        try:
            await self.call("GET", "whoami")
        except (ManagementError, OSError):
            return False
        return True

    def _call(self, method: str, path: str, body: Any) -> Any:
        return json.loads(self._open(method, path, body)[1] or b"null")

    def _open(self, method: str, path: str, body: Any) -> tuple[str, bytes]:
        """Return the answer's date and body."""
        request = urllib.request.Request(  # noqa: S310 - http to an address of the operator's
            f"{self._url}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": self._authorization, "Content-Type": "application/json"},
        )
        # No proxy of the environment may come between us and loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as response:
                return response.headers.get("Date", ""), response.read()
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")
            raise ManagementError(f"{method} /api/{path}: {error.code} {reason}") from error
