"""Senders beside each other, and operators beside senders, on real databases."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.budgets import Budgets
from adapters.relay.port import Account, Outcome, Told, Verdict
from brokers.delivery import Delivery as Carried
from brokers.verdict import Conflict
from handlers.relay.forwarding import Outside, send_deliveries
from persistence.uow import Uow
from schemas.relay.messages import SendDeliveries
from schemas.relay.records import DeliveryState
from tests.build.forwarding import FakePlatform, Relay, all_

#: Of a day's busiest hour of a large shop; more would only take longer.
EVENTS = 10_000
WORKERS = 8


class Waiting(FakePlatform):
    """A platform that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def send(self, account: Account, rendered: Sequence[dict[str, Any]]) -> Told:
        self.is_asked.set()
        await self.may_answer.wait()
        return await super().send(account, rendered)


async def _worker(relay: Relay) -> None:
    """A process of its own: it shares nothing with the others but the database and the platform."""
    outside = Outside({relay.platform.code: relay.platform}, relay.vault, Budgets.at(None))
    said = SendDeliveries(destination_id=relay.destination)
    carried = Carried(message=said, message_id="w", is_derived=False, key="", observed_at=relay.now, raw=b"")
    while await _is_due(relay):
        try:
            await send_deliveries(carried, relay.uow, lambda: relay.now, outside)
        except Conflict:  # two met in the database, and one comes again, as messages do
            continue


async def _is_due(relay: Relay) -> bool:
    async with relay.uow() as tx:
        return await tx.event_deliveries.has_due(relay.destination, relay.now)


async def test_eight_workers_on_ten_thousand_events_send_each_once(uow: Uow) -> None:
    relay = await Relay(uow, FakePlatform(events_a_call=500)).configured()
    await relay.accept(*(f"o-{number}" for number in range(EVENTS)))
    await asyncio.gather(*(_worker(relay) for _ in range(WORKERS)))
    sent = Counter(each for call in relay.platform.calls for each in call)
    assert len(sent) == EVENTS
    assert set(sent.values()) == {1}
    async with relay.uow() as tx:
        counts = await tx.event_deliveries.counts([relay.destination])
    assert counts == [], "nothing waits, nothing is in anybody's hands, nothing is dead"


async def test_an_operator_throws_a_switch_without_waiting_for_calls_that_are_under_way(uow: Uow) -> None:
    platform = Waiting()
    relay = await Relay(uow, platform).configured()
    await relay.accept("o-1")
    sending = asyncio.create_task(relay.send())
    await platform.is_asked.wait()
    async with asyncio.timeout(1):
        async with uow() as tx:
            await tx.configuration.storefronts.change(relay.shop, {"is_active": False})
        async with uow() as tx:
            await tx.configuration.credentials.change(relay.credential, {"is_active": False})
    await relay.accept("o-2")
    platform.may_answer.set()
    await sending
    assert platform.calls == [["o-1"]]
    assert await relay.states() == [DeliveryState.DELIVERED, DeliveryState.PENDING]


@pytest.mark.parametrize("verdict", [Verdict.AUTH, Verdict.CONFIG])
async def test_what_needs_an_operator_is_an_error_in_the_log_and_a_paused_destination_in_the_metrics(
    uow: Uow, verdict: Verdict
) -> None:
    relay = await Relay(uow, FakePlatform()).configured()
    await relay.accept("o-1")
    relay.platform.answer = all_(Outcome(verdict=verdict, reason="token expired"))
    with capture_logs() as logs:
        await relay.send()
    (alert,) = [each for each in logs if each["event"] == "destination_paused"]
    assert (alert["log_level"], alert["reason"]) == ("error", f"{verdict}: token expired")
    async with uow() as tx:
        (backlog,) = await tx.destinations.backlogs(relay.now)
    assert backlog.paused_until is not None
    assert backlog.paused_until > relay.now + timedelta(days=365)
    assert backlog.waiting == 1


async def test_a_key_that_was_replaced_between_two_attempts_is_used_for_the_second(uow: Uow) -> None:
    relay = await Relay(uow, FakePlatform()).configured()
    await relay.accept("o-1")
    relay.platform.answer = all_(Outcome(verdict=Verdict.TRANSIENT, reason="503"))
    await relay.send()
    fresh = relay.vault.seal({"access_token": "a fresh token"})
    async with uow() as tx:
        await tx.configuration.credentials.change(relay.credential, {"credentials_encrypted": fresh})
    await relay.send(timedelta(minutes=1))
    assert [each.credentials["access_token"] for each in relay.platform.accounts] == ["secret-token", "a fresh token"]
