"""Sessions that outlive their browser: cookies and storage of accounts."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from crawlers.accounts import Account
from crawlers.browser import is_state
from crawlers.shelf import Shelf

log = structlog.get_logger()

#: A session that nobody used for so long has ended at the site's side too.
_STATE_KEPT = timedelta(days=30)

Seal = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class SavedSessions:
    """Cookies and storage of accounts, sealed where there are keys; they open the account, so they are secrets.

    An account whose e-mail address was changed is another one: it has to log in as whom it is now.
    """

    shelf: Shelf
    seal: Seal = bytes
    unseal: Seal = bytes

    async def load(self, account: Account) -> Any:
        """Return an account's saved state; None for none, or one that cannot be read any more."""
        kept = await self.shelf.get(_name(account))
        if kept is None:
            return None
        try:
            state = json.loads(self.unseal(kept))
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with it, a login makes a new one
            log.warning("saved_session_unreadable", account=account.name, error=type(error).__name__)
            return None
        return state if is_state(state) else None

    async def save(self, account: Account, state: Any, token: int) -> None:
        """Keep an account's state; raises Outdated."""
        await self.shelf.put(_name(account), self.seal(json.dumps(state).encode()), _STATE_KEPT, token=token)

    async def forget(self, account: Account) -> None:
        """Forget an account's state."""
        await self.shelf.drop(_name(account))


def _name(account: Account) -> str:
    return f"session:{account.name}:{hashlib.sha256(account.email.strip().lower().encode()).hexdigest()[:12]}"
