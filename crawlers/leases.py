"""One account, one browser: leases with fencing tokens, in Redis where there is one, else by a file's lock.

A lease is renewed while it is held. Whoever cannot renew it in time holds it no more, by its own clock, before the next
one can have it; and what a former holder still writes is refused by its older token (see `shelf.py`).
"""

import asyncio
import contextlib
import fcntl
import hashlib
import re
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, TextIO

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from crawlers.errors import AccountBusy, LeaseLost
from crawlers.shelf import reached

log = structlog.get_logger()

#: How long an account stays taken when its driver dies; a renewal comes every third of it.
LEASED = timedelta(seconds=45)
#: So much sooner a holder gives up than another may begin: clocks run unevenly, and a browser takes time to stop.
MARGIN = 0.3

#: Tokens grow with time, so that they do so even when Redis has lost everything.
_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return -redis.call('PTTL', KEYS[1]) end
local now = redis.call('TIME')
local token = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, now[1] * 1000 + math.floor(now[2] / 1000))
token = string.format('%.0f', token)
redis.call('SET', KEYS[2], token)
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return tonumber(token)
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(eq=False)
class Lease:
    """The right to drive an account; `token` grows with every holder, `lost` is set when the right has gone."""

    account: str
    token: int
    valid_until: float = float("inf")
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def check(self) -> None:
        """Raise LeaseLost unless the account is certainly ours at this moment."""
        if self.lost.is_set() or time.monotonic() >= self.valid_until:
            self.lost.set()
            raise LeaseLost(f"the lease of account {self.account} has gone")


class Leases(Protocol):
    """Who drives which account."""

    def hold(self, account: str) -> AbstractAsyncContextManager[Lease]:
        """Hold an account's lease while inside; raises AccountBusy at once if somebody else has it."""


class RedisLeases:
    """Leases among every machine that reaches this Redis."""

    def __init__(self, redis: Redis, leased: timedelta = LEASED) -> None:
        self._redis = redis
        self._ms = int(leased.total_seconds() * 1000)

    @asynccontextmanager
    async def hold(self, account: str) -> AsyncIterator[Lease]:
        """Hold an account's lease while inside; raises AccountBusy, or Unavailable while Redis is away."""
        began = time.monotonic()
        with reached():
            token = int(await self._redis.eval(_TAKE, 2, _key(account), f"{_key(account)}:token", self._ms))
        if token <= 0:
            until = datetime.now(UTC) + timedelta(milliseconds=max(-token, 1000))
            raise AccountBusy(f"account {account} is driven by another browser", until)
        lease = Lease(account, token, began + self._seconds)
        renewing = asyncio.create_task(self._renew(lease))
        try:
            yield lease
        finally:
            renewing.cancel()
            lease.lost.set()
            await self._leave(lease)

    @property
    def _seconds(self) -> float:
        return self._ms / 1000 * (1 - MARGIN)

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(min(self._ms / 3000, max(lease.valid_until - time.monotonic(), 0)))
            if lease.lost.is_set():
                return
            began = time.monotonic()
            if began >= lease.valid_until or await self._is_renewed(lease) is False:
                log.error("lease_lost", account=lease.account, token=lease.token)
                lease.lost.set()
                return

    async def _is_renewed(self, lease: Lease) -> bool | None:
        """Renew a lease; False if it is somebody else's by now, None if nobody can tell."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(min(self._ms / 6000, lease.valid_until - began), 0)):
                is_ours = await self._redis.eval(_RENEW, 1, _key(lease.account), lease.token, self._ms)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("lease_not_renewed", account=lease.account, error=type(error).__name__)
            return None
        if is_ours:
            lease.valid_until = began + self._seconds
        return bool(is_ours)

    async def _leave(self, lease: Lease) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):  # It expires by itself.
            async with asyncio.timeout(self._ms / 3000):
                await self._redis.eval(_LEAVE, 1, _key(lease.account), lease.token)


class FileLeases:
    """Leases among the processes of one machine; a process that dies lets go of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def hold(self, account: str) -> AsyncIterator[Lease]:
        """Hold an account's lease while inside; raises AccountBusy."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / f"{_file_name(account)}.lease").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                until = datetime.now(UTC) + LEASED
                raise AccountBusy(f"account {account} is driven by another browser", until) from None
            lease = Lease(account, _next_token(file))
            try:
                yield lease
            finally:
                lease.lost.set()


def _next_token(file: TextIO) -> int:
    """Return a token that is greater than the last one, which the locked file remembers, and of the clock's size."""
    file.seek(0)
    last = file.read().strip()
    token = max(int(last) + 1 if last.isdecimal() else 0, time.time_ns() // 1_000_000)
    file.seek(0)
    file.truncate()
    file.write(str(token))
    file.flush()
    return token


def _file_name(account: str) -> str:
    """Return a name that no other account has: what a file's name may not hold is told apart by a hash."""
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", account)
    return plain if plain == account else f"{plain[:80]}-{hashlib.sha256(account.encode()).hexdigest()[:8]}"


def _key(account: str) -> str:
    return f"mesh:crawl:lease:{account}"
