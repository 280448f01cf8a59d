"""What crawls keep between runs: cursors, sessions, pauses; in Redis where there is one, else in files."""

import asyncio
import base64
import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from brokers.verdict import Unavailable

#: Puts a value unless a later holder of the same account has already put one; a value is its token, a space, and bytes.
_PUT = """
local kept = redis.call('GET', KEYS[1])
if kept then
  local was = tonumber(string.match(kept, '^(%d+) '))
  if was and was > tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1
"""


class Outdated(Exception):
    """A later holder has written: whoever reads this holds an account no more."""


class Shelf(Protocol):
    """Bytes by name that expire. A `token` is that of the writer's lease; a write with an older one is Outdated."""

    async def get(self, name: str) -> bytes | None:
        """Return what is kept under a name, unless it has expired."""

    async def put(self, name: str, value: bytes, kept: timedelta, *, token: int = 0) -> None:
        """Keep a value for so long; raises Outdated."""

    async def drop(self, name: str) -> None:
        """Forget a name."""


class RedisShelf:
    """Shared by every machine that reaches this Redis; raises Unavailable while it is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def get(self, name: str) -> bytes | None:
        """Return what is kept under a name, unless it has expired."""
        with reached():
            kept = await self._redis.get(_key(name))
        if kept is None:
            return None
        return (kept.encode() if isinstance(kept, str) else kept).partition(b" ")[2]

    async def put(self, name: str, value: bytes, kept: timedelta, *, token: int = 0) -> None:
        """Keep a value for so long; raises Outdated."""
        with reached():
            was_put = await self._redis.eval(_PUT, 1, _key(name), token, value, int(kept.total_seconds() * 1000))
        if not was_put:
            raise Outdated(name)

    async def drop(self, name: str) -> None:
        """Forget a name."""
        with reached():
            await self._redis.delete(_key(name))


class FileShelf:
    """A folder that only we can read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def get(self, name: str) -> bytes | None:
        """Return what is kept under a name, unless it has expired."""
        return await asyncio.to_thread(self._get, name)

    async def put(self, name: str, value: bytes, kept: timedelta, *, token: int = 0) -> None:
        """Keep a value for so long; raises Outdated."""
        await asyncio.to_thread(self._put, name, value, time.time() + kept.total_seconds(), token)

    async def drop(self, name: str) -> None:
        """Forget a name."""
        self._path(name).unlink(missing_ok=True)

    def _get(self, name: str) -> bytes | None:
        kept = self._read(name)
        return base64.b64decode(kept["value"]) if kept and kept["until"] > time.time() else None

    def _put(self, name: str, value: bytes, until: float, token: int) -> None:
        path = self._path(name)
        with _locked(self._folder / ".lock"):
            kept = self._read(name)
            if kept and kept["token"] > token and kept["until"] > time.time():
                raise Outdated(name)
            fresh = path.with_suffix(".new")
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                json.dump({"token": token, "until": until, "value": base64.b64encode(value).decode()}, file)
            if kept is None:
                self._tidy()
            fresh.replace(path)

    def _tidy(self) -> None:
        """Remove what has expired: every crawl leaves a cursor, and nobody asks for it again."""
        for path in self._folder.glob("*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                if json.loads(path.read_text())["until"] <= time.time():
                    path.unlink()

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(json.loads(self._path(name).read_text()))
        except (OSError, ValueError):
            return None

    def _path(self, name: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self._folder / f"{file_name(name)}.json"


def file_name(name: str) -> str:
    """Return a name as a file may have it: readable, never too long, and another one for every name."""
    readable = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:80]
    return f"{readable}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


@contextlib.contextmanager
def reached() -> Iterator[None]:
    """Say of whatever Redis fails with that it is away."""
    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise Unavailable(f"Redis is away: {type(error).__name__}") from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _key(name: str) -> str:
    return f"mesh:crawl:{name}"
