"""A TikTok of this machine's own where no app is set: the stand-in as a process, its account connected, and customers.

What it does and does not do is said in deploy/sandbox/README.md. It is a process, and known here by its HTTP alone.
"""

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from adapters.vault import Vault
from mesh.addresses import Addresses
from mesh.embedded.process import ChildProcess, kept_port, port_answers, tail
from persistence.engine import open_uow
from schemas.clock import utc_now
from schemas.replies.records import Tokens
from schemas.replies.stock_file import read_stock_file
from settings import Settings

ROOT: Final = Path(__file__).resolve().parent.parent
#: What the stand-in begins with, as its page says.
APP: Final = "sandbox-app"
BUSINESS: Final = "biz-sandbox"
_TOKEN, _REFRESH = "sandbox-token", "sandbox-refresh"
_ACCESS_LIFE, _REFRESH_LIFE = timedelta(days=1), timedelta(days=365)
_START: Final = timedelta(seconds=30)
_ASKED: Final = b"GET /_sandbox/counts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def is_wanted(settings: Settings) -> bool:
    """Tell whether nothing of a real TikTok app is set, and the stand-in is there: an installed package has none.

    Nor is one run on a database that was given to us: its account would be one of those that are spoken for there.
    """
    default = Settings.model_fields["tiktok_base_url"].default
    is_set = settings.tiktok_client_key or settings.tiktok_client_secrets or settings.tiktok_business_ids
    is_here = (ROOT / "deploy" / "sandbox" / "tiktok_messages.py").exists()
    return not is_set and settings.tiktok_base_url == default and settings.database_url is None and is_here


class LocalTikTok:
    """The process. Its port outlives a restart, what was said there does not."""

    name = "tiktok"

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        logs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._port = kept_port(self._folder / "port")
        self._child = ChildProcess(self.name, logs)
        self._mesh: Addresses | None = None

    @property
    def base_url(self) -> str:
        """What the mesh takes for TikTok's API."""
        return f"http://127.0.0.1:{self._port}/open_api/v1.3"

    async def start(self) -> None:
        """Start it and wait until it answers; a mesh that it knew is introduced again."""
        command = [sys.executable, "-m", "deploy.sandbox.tiktok_messages", "--port", str(self._port)]
        await self._child.spawn(command, {**os.environ, "PYTHONPATH": str(ROOT)}, cwd=self._folder)
        await self._child.wait_ready(lambda: port_answers(self._port, say=_ASKED, expect=b"HTTP/1.1 200"), _START)
        if self._mesh is not None:
            await self.introduce(self._mesh)

    async def introduce(self, mesh: Addresses) -> None:
        """Set the mesh up as the app of one account, which lets it speak for it."""
        self._mesh = mesh
        app = {
            "callback_url": f"{mesh.gateway_url}/webhook/tiktok",
            "client_key": APP,
            "client_secret": mesh.tiktok_client_secrets[0],
        }
        await Local(self.base_url).call("POST", "/_sandbox/app", app)
        vault, now = Vault(mesh.encryption_keys), utc_now()
        tokens = Tokens(
            business_id=BUSINESS,
            access_token=vault.seal(_TOKEN),
            refresh_token=vault.seal(_REFRESH),
            access_expires_at=now + _ACCESS_LIFE,
            refresh_expires_at=now + _REFRESH_LIFE,
            created_at=now,
            updated_at=now,
        )
        database = open_uow(mesh.database_url)
        try:
            async with database.uow() as tx:
                await tx.tokens.put(tokens)
        finally:
            await database.close()

    async def ended(self) -> int:
        """Return its exit code once it has ended."""
        return await self._child.wait()

    async def stop(self) -> None:
        """Ask it to end."""
        await self._child.stop()

    def hurry(self) -> None:
        """End it now."""
        self._child.hurry()

    def last_words(self) -> str:
        """Return the end of its log."""
        return f"The end of {self._child.log}:\n{tail(self._child.log)}"


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said in a conversation, by whom (`customer`, `shop`, `person`) and when TikTok had it."""

    by: str
    text: str
    at: float


class Local:
    """What a local TikTok may be asked that TikTok may not."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    async def is_there(self) -> bool:
        """Tell whether this TikTok is a local one."""
        try:
            await self.call("GET", "/_sandbox/counts")
        except (OSError, ValueError):
            return False
        return True

    async def write(self, conversation_id: str, user_id: str, text: str) -> None:
        """Have a customer write."""
        said = {"conversation_id": conversation_id, "user_id": user_id, "text": text}
        await self.call("POST", "/_sandbox/write", [said])

    async def talk(self, conversation_id: str, after: int = 0) -> list[Heard]:
        """Return what was said in a conversation, from a place on."""
        path = f"/_sandbox/talk?conversation_id={quote(conversation_id, safe='')}&after={after}"
        return [Heard(each["by"], each["text"], each["heard_at"]) for each in await self.call("GET", path)]

    async def call(self, verb: str, path: str, body: Any = None) -> Any:
        """Ask, and return the answer's JSON, if there is any."""
        return await asyncio.to_thread(self._called, verb, path, body)

    def _called(self, verb: str, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._origin}{path}", data, dict(_JSON), method=verb)  # noqa: S310 -- http alone
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            said = answer.read()
        return json.loads(said) if said else None


async def put_example_stock(database_url: str) -> int:
    """Put the example's pieces into a shop that has none; return how many."""
    lines = (files("mesh") / "examples" / "stock.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    database = open_uow(database_url)
    try:
        async with database.uow() as tx:
            if await tx.stock.listed(utc_now(), limit=1):
                return 0
            return (await tx.stock.put(read_stock_file(lines, utc_now()).items)).added
    finally:
        await database.close()


_JSON: Final[Mapping[str, str]] = {"Content-Type": "application/json"}
