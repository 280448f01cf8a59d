"""One round of calls to a destination: events are rendered, sent in batches, and a refused batch is split."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import structlog

from adapters.relay.mapping import is_consent_required
from adapters.relay.port import Account, Adapter, Outcome, Refused, RelayEvent, Skipped, Told, Verdict
from handlers.relay.reading import event_of
from schemas.relay.records import ClaimedDelivery
from schemas.relay.selection import UNCERTAIN

log = structlog.get_logger()

#: Finding one bad event among 1,000 takes about 20 calls; a batch with many is left to later rounds.
MOST_CALLS: Final = 64
#: Most platforms answer within it; what takes longer is waited for while others go on.
IN_TIME: Final = timedelta(seconds=2)


@dataclass(slots=True)
class Sending:
    """A delivery in work: rendered where it can be said, then with what became of it."""

    claimed: ClaimedDelivery
    rendered: dict[str, Any] | None = None
    outcome: Outcome | None = None
    skipped: str | None = None
    told: Told | None = None

    @property
    def request(self) -> str | None:
        """What is kept of what was said: this event's own part of the call."""
        return orjson.dumps(self.rendered, default=str).decode() if self.rendered is not None else None


def rendered(
    claimed: Sequence[ClaimedDelivery], adapter: Adapter, account: Account, mapping: Mapping[str, Any], now: datetime
) -> list[Sending]:
    """Render what may be sent; what is too late, must not or cannot be said has its outcome already."""
    return [_rendered(each, adapter, account, mapping, now) for each in claimed]


def _rendered(
    claimed: ClaimedDelivery, adapter: Adapter, account: Account, mapping: Mapping[str, Any], now: datetime
) -> Sending:
    sending = Sending(claimed)
    try:
        sending.rendered = adapter.render(_in_time(claimed, adapter.limits.freshness, now, mapping), account, mapping)
    except Refused as refused:
        sending.outcome = Outcome(verdict=Verdict.PERMANENT, reason=str(refused))
    except Skipped as skipped:
        sending.skipped = str(skipped)
    except Exception as error:
        # A bug of ours, met by one event, must not stop the others. It can be replayed once the bug is mended.
        log.exception("event_not_rendered", platform=adapter.code, number=claimed.event.id)
        reason = f"could not be put into {adapter.code}'s words: {type(error).__name__}"
        sending.outcome = Outcome(verdict=Verdict.PERMANENT, reason=reason)
    return sending


def _in_time(claimed: ClaimedDelivery, freshness: timedelta, now: datetime, mapping: Mapping[str, Any]) -> RelayEvent:
    """Return the event as it may be said now; raises Refused for what is too late."""
    if claimed.delivery.expires_at <= now:
        raise Refused("past its horizon: a repeat could count twice")
    event = event_of(claimed.event, claimed.delivery.downstream_id)
    if event.event_time < now - freshness:
        raise Refused(f"older than {freshness} at sending")
    # A producer's clock may be ahead, and platforms refuse what has not happened yet.
    return replace(event, event_time=min(event.event_time, now), is_consent_required=is_consent_required(mapping))


async def send(
    sendings: Sequence[Sending], adapter: Adapter, account: Account, patience: timedelta = IN_TIME
) -> dict[asyncio.Task[None], Sequence[Sending]]:
    """Send everything that was rendered, several calls at a time, and note what became of each.

    Returns the calls that are still under way after `patience`, each with its part: one that hangs keeps nobody else.
    """
    to_send = [each for each in sendings if each.rendered is not None]
    calls = _Calls(adapter, account)
    begun = {asyncio.create_task(calls.send(batch)): batch for batch in _batches(to_send, adapter)}
    if not begun:
        return {}
    try:
        done, late = await asyncio.wait(begun, timeout=patience.total_seconds())
    except BaseException:
        for call in begun:
            call.cancel()
        raise
    for call in done:
        call.result()
    return {call: begun[call] for call in late}


def _batches(sendings: Sequence[Sending], adapter: Adapter) -> list[list[Sending]]:
    """Cut into batches that a platform takes, by number and by bytes."""
    batches: list[list[Sending]] = []
    size = 0
    for each in sendings:
        length = len(orjson.dumps(each.rendered, default=str)) + 1
        is_full = not batches or len(batches[-1]) >= adapter.limits.events_a_call
        if is_full or size + length > adapter.limits.bytes_a_call:
            batches.append([])
            size = 0
        batches[-1].append(each)
        size += length
    return batches


class _Calls:
    """The calls of one round: so many at a time, and not more in all than a round may make."""

    def __init__(self, adapter: Adapter, account: Account) -> None:
        self._adapter = adapter
        self._account = account
        self._turns = asyncio.Semaphore(adapter.limits.concurrency)
        self._left = MOST_CALLS

    async def send(self, batch: Sequence[Sending]) -> None:
        """Send a batch; a refused one is sent again without the events that are named, in halves where none is."""
        if self._adapter.limits.events_a_call > 1:
            if not self._left:
                return self._leave(batch)
            self._left -= 1
        async with self._turns:
            told = await self._adapter.send(self._account, [each.rendered or {} for each in batch])
        for each, outcome in zip(batch, told.outcomes, strict=True):
            each.outcome, each.told = self._final(each, outcome), told
        suspects = [each for each in batch if each.outcome and each.outcome.verdict is Verdict.SPLIT]
        if len(suspects) < len(batch):
            return await self.send(suspects) if suspects else None
        if len(suspects) > 1:
            middle = len(suspects) // 2
            await self.send(suspects[:middle])
            await self.send(suspects[middle:])
        return None

    def _final(self, sending: Sending, outcome: Outcome) -> Outcome:
        """Return an outcome, but an end where it is open and a repeat would count twice: that is for an operator."""
        if outcome.verdict is not Verdict.UNKNOWN or self._adapter.limits.recognises(sending.rendered or {}):
            return outcome
        reason = f"{UNCERTAIN}, and {self._adapter.code} counts a repeat twice: {outcome.reason}"
        return replace(outcome, verdict=Verdict.PERMANENT, reason=reason)

    @staticmethod
    def _leave(batch: Sequence[Sending]) -> None:
        for each in batch:
            each.outcome = Outcome(verdict=Verdict.TRANSIENT, reason="its batch was refused for other events")
