"""What waits, told as metrics: events for each platform, customers for an answer, accounts for an operator."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from brokers import metrics
from persistence.uow import Uow
from publishers.clockwork import Pace, keep_passing
from schemas.clock import Clock
from schemas.relay.selection import Backlog
from schemas.replies.accounts import AccountState, state_of
from schemas.replies.records import ReplyState

#: As often as Prometheus asks.
EVERY = timedelta(seconds=15)
#: A pause that is longer does not end by itself.
_FOR_GOOD = timedelta(days=1)
#: Replies that have not ended; what has is counted where it happens.
OPEN: Final = (ReplyState.PENDING, ReplyState.SENDING, ReplyState.UNCERTAIN)


class BacklogWatch:
    """Looks at every destination and every account; several may run, and show the same."""

    def __init__(self, uow: Uow, clock: Clock) -> None:
        self._uow = uow
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Look until told to stop."""
        await keep_passing(self.pass_once, name="backlog", stop=stop, pace=Pace(shortest=EVERY, longest=EVERY))

    async def pass_once(self) -> int:
        """Tell how things stand; there is never more to do at once."""
        now = self._clock()
        async with self._uow() as tx:
            found = await tx.destinations.backlogs(now)
            waiting = await tx.webhooks.backlog(now)
            replies = await tx.replies.counts(OPEN)
            accounts = await tx.tokens.listed()
        tell(found, now)
        tell_of_customers(waiting, replies, Counter(state_of(each, now) for each in accounts))
        return 0


def tell(found: list[Backlog], now: datetime) -> None:
    """Show what was found, by platform; one that has no destination any more shows nothing."""
    waiting, paused, lag = Counter[str](), Counter[str](), dict[str, float]()
    for each in found:
        name = each.platform_code
        waiting[name] += each.waiting
        paused[name] += each.paused_until is not None and each.paused_until > now + _FOR_GOOD
        late = (now - each.due_since).total_seconds() if each.due_since else 0.0
        lag[name] = max(lag.get(name, 0.0), late)
    for gauge, values in ((metrics.relay_waiting, waiting), (metrics.relay_paused, paused), (metrics.relay_lag, lag)):
        gauge.clear()
        for name, value in values.items():
            gauge.labels(name).set(value)


def tell_of_customers(
    waiting: tuple[int, timedelta], replies: Mapping[ReplyState, int], accounts: Mapping[AccountState, int]
) -> None:
    """Show how many messages wait for an answer and how long, what is to be sent, and how the accounts stand."""
    count, lag = waiting
    metrics.replies_waiting.set(count)
    metrics.replies_lag.set(lag.total_seconds())
    for reply in OPEN:
        metrics.replies_open.labels(reply.lower()).set(replies.get(reply, 0))
    for account in AccountState:
        metrics.replies_accounts.labels(account.value).set(accounts.get(account, 0))
