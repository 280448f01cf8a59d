"""A live test of a configuration: one call that counts no conversion, and what came of it."""

import asyncio
import time
from datetime import timedelta
from typing import Any, Final

from pydantic import BaseModel

from adapters.relay.http import redacted
from adapters.relay.port import Account, Adapter, Outcome, Verdict

#: An operator waits for it.
_PATIENCE: Final = timedelta(seconds=20)


class Trial(BaseModel):
    """What a live test came to; `verdict` is what a delivery would have met."""

    ok: bool
    verdict: str
    status: int | None
    reason: str | None
    duration_ms: int


async def tried(adapter: Adapter, account: Account) -> Trial:
    """Try an account, outside any transaction."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            outcome = await adapter.test(account)
    except TimeoutError:
        outcome = Outcome(verdict=Verdict.UNKNOWN, reason=f"no answer within {_PATIENCE.seconds} s")
    return Trial(
        ok=outcome.verdict is Verdict.DELIVERED,
        verdict=outcome.verdict.value,
        status=outcome.status,
        reason=redacted(outcome.reason, _secrets(account.credentials)) if outcome.reason else None,
        duration_ms=round((time.monotonic() - began) * 1000),
    )


def _secrets(value: Any) -> list[str]:
    """Return every text in a secret that would say something: a short one hides in any sentence."""
    if isinstance(value, str):
        return [value] if len(value) >= 6 else []  # noqa: PLR2004 -- no token is shorter
    parts = value.values() if hasattr(value, "values") else value if isinstance(value, list) else ()
    return [text for part in parts for text in _secrets(part)]
