"""Accounts that rest because the site stopped them: a puzzle, a ban, a login that fails."""

import json
from dataclasses import dataclass
from datetime import datetime

import structlog

from brokers import metrics
from crawlers.errors import AccountStopped
from crawlers.shelf import Shelf
from schemas.clock import Clock, utc_now

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pause:
    """Why an account rests, and until when."""

    kind: str
    reason: str
    until: datetime


class Pauses:
    """Kept where every crawler sees them; an operator ends one with `mesh crawl resume`."""

    def __init__(self, shelf: Shelf, clock: Clock = utc_now) -> None:
        self._shelf = shelf
        self._clock = clock

    async def of(self, account: str) -> Pause | None:
        """Return an account's pause, if it rests now."""
        kept = await self._shelf.get(_name(account))
        if kept is None:
            return None
        told = json.loads(kept)
        pause = Pause(told["kind"], told["reason"], datetime.fromisoformat(told["until"]))
        return pause if pause.until > self._clock() else None

    async def begin(self, account: str, stopped: AccountStopped) -> Pause:
        """Let an account rest, and tell somebody: the log, and a metric that alerts."""
        pause = Pause(stopped.kind, str(stopped)[:500], self._clock() + stopped.rest)
        told = {"kind": pause.kind, "reason": pause.reason, "until": pause.until.isoformat()}
        await self._shelf.put(_name(account), json.dumps(told).encode(), stopped.rest)
        metrics.crawl_accounts_stopped.labels(stopped.kind).inc()
        log.error("crawl_account_stopped", account=account, **told)
        return pause

    async def end(self, account: str) -> None:
        """Let an account work again."""
        await self._shelf.drop(_name(account))


def _name(account: str) -> str:
    return f"pause:{account}"
