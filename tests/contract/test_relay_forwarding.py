"""Deliveries on their way out, on real databases, to destinations that answer as they are told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.relay.port import Outcome, Verdict, every, never
from adapters.vault import Vault, new_key
from handlers.relay.forwarding import KEY_PAUSE, LEASE
from persistence.uow import Uow
from schemas.relay.records import AttemptStatus, DeliveryState, EventStatus
from schemas.relay.selection import UNCERTAIN
from tests.build.forwarding import DELIVERED, FakePlatform, Relay, all_
from tests.build.records import NOON
from tests.build.relay import platform


@pytest.fixture
async def relay(uow: Uow) -> Relay:
    return await Relay(uow, FakePlatform()).configured()


async def test_what_is_due_is_sent_in_batches_and_recorded(relay: Relay) -> None:
    await relay.accept(*(f"o-{number:02}" for number in range(25)))
    await relay.send()
    assert [len(call) for call in relay.platform.calls] == [10, 10, 5]
    assert await relay.states() == [DeliveryState.DELIVERED] * 25
    assert relay.platform.accounts[0].credentials == {"access_token": "secret-token"}
    assert "secret-token" not in repr(relay.platform.accounts[0])
    async with relay.uow() as tx:
        first = (await tx.events.listed(limit=1))[0]
        assert first.status is EventStatus.DELIVERED
        (attempt,) = await tx.attempts.of_event(first.id or 0)
    assert (attempt.status, attempt.number, attempt.http_status_code) == (AttemptStatus.SUCCESS, 1, 200)
    await relay.send()
    assert len(relay.platform.calls) == 3


@pytest.mark.parametrize("good", [1, 9])
async def test_where_a_refusal_names_the_bad_event_the_others_are_sent_again_at_once(relay: Relay, good: int) -> None:
    ids = [f"o-{number}" for number in range(good)]
    await relay.accept("bad", *ids)
    named, innocent = Outcome(verdict=Verdict.PERMANENT, reason="bad"), Outcome(verdict=Verdict.SPLIT, reason="bad")
    relay.platform.answer = lambda sent: (
        [named if each == "bad" else innocent for each in sent] if "bad" in sent else [DELIVERED] * len(sent)
    )
    await relay.send()
    assert relay.platform.calls == [["bad", *ids], ids]
    assert [each.state for each in await relay.deliveries()].count(DeliveryState.DELIVERED) == good


async def test_a_bad_event_is_found_by_halves_and_its_neighbours_arrive(relay: Relay) -> None:
    ids = [f"o-{number}" for number in range(10)]
    await relay.accept(*ids)
    relay.platform.answer = lambda sent: (
        [
            (
                Outcome(verdict=Verdict.SPLIT if len(sent) > 1 else Verdict.PERMANENT, reason="bad")
                if "o-7" in sent
                else DELIVERED
            )
        ]
        * len(sent)
    )
    await relay.send()
    by_id = {each.downstream_id: each for each in await relay.deliveries()}
    assert by_id.pop("o-7").state is DeliveryState.DEAD
    assert {each.state for each in by_id.values()} == {DeliveryState.DELIVERED}
    assert len(relay.platform.calls) <= 9


async def test_a_failure_waits_and_is_sent_again_under_the_same_id(relay: Relay) -> None:
    await relay.accept("o-1")
    relay.platform.answer = all_(Outcome(verdict=Verdict.UNKNOWN, reason="no answer"))
    await relay.send()
    (waiting,) = await relay.deliveries()
    assert (waiting.state, waiting.attempts, waiting.reason) == (DeliveryState.PENDING, 1, "no answer")
    assert waiting.next_attempt_at > relay.now
    relay.platform.answer = all_(DELIVERED)
    await relay.send(timedelta(seconds=6))
    assert await relay.states() == [DeliveryState.DELIVERED]
    assert relay.platform.calls == [["o-1"], ["o-1"]]


async def test_a_throttle_pauses_the_destination_and_burns_no_attempt(relay: Relay) -> None:
    await relay.accept("o-1")
    relay.platform.answer = all_(Outcome(verdict=Verdict.THROTTLED, reason="slow", after=timedelta(seconds=120)))
    await relay.send()
    (waiting,) = await relay.deliveries()
    assert (waiting.attempts, waiting.state) == (0, DeliveryState.PENDING)
    assert await relay.paused() == NOON + timedelta(seconds=120)
    await relay.send(timedelta(seconds=119))
    assert len(relay.platform.calls) == 1
    relay.platform.answer = all_(DELIVERED)
    await relay.send(timedelta(seconds=2))
    assert await relay.states() == [DeliveryState.DELIVERED]


@pytest.mark.parametrize("verdict", [Verdict.AUTH, Verdict.CONFIG])
async def test_a_refused_account_pauses_the_destination_until_an_operator_acts(relay: Relay, verdict: Verdict) -> None:
    await relay.accept("o-1", "o-2")
    relay.platform.answer = all_(Outcome(verdict=verdict, reason="token expired"))
    await relay.send()
    await relay.send(timedelta(hours=5))
    assert len(relay.platform.calls) == 1
    assert await relay.states() == [DeliveryState.PENDING] * 2
    async with relay.uow() as tx:
        await tx.destinations.resume(relay.destination)
    relay.platform.answer = all_(DELIVERED)
    await relay.send()
    assert await relay.states() == [DeliveryState.DELIVERED] * 2


async def test_a_breaker_opens_after_five_failures_and_one_round_tries_it(relay: Relay) -> None:
    await relay.accept("o-1")
    relay.platform.answer = all_(Outcome(verdict=Verdict.TRANSIENT, reason="503"))
    for _ in range(5):
        await relay.send(timedelta(hours=1))
    paused = await relay.paused()
    assert paused is not None
    assert paused > relay.now
    relay.platform.answer = all_(DELIVERED)
    await relay.send(timedelta(hours=1))
    assert await relay.states() == [DeliveryState.DELIVERED]
    assert await relay.paused() is None


async def test_what_cannot_be_delivered_within_its_horizon_is_dead_with_the_last_reason(relay: Relay) -> None:
    await relay.accept("o-1")
    relay.platform.answer = all_(Outcome(verdict=Verdict.TRANSIENT, reason="503"))
    for _ in range(60):
        await relay.send(timedelta(hours=1))
    (dead,) = await relay.deliveries()
    assert dead.state is DeliveryState.DEAD
    assert "horizon" in (dead.reason or "")
    assert dead.updated_at <= dead.expires_at + timedelta(hours=1)


async def test_an_event_that_is_too_old_is_not_put_in_a_batch(relay: Relay) -> None:
    await relay.accept("old", event_time=NOON - timedelta(days=8))
    await relay.accept("new")
    await relay.send()
    assert relay.platform.calls == [["new"]]
    assert set(await relay.states()) == {DeliveryState.DEAD, DeliveryState.DELIVERED}


async def test_what_must_not_be_said_is_skipped_and_what_cannot_be_said_is_dead(relay: Relay) -> None:
    await relay.accept("no", event_payload='{"consent": {"ad_user_data": "denied"}}')
    await relay.accept("bad", event_payload='{"refuse": 1}')
    await relay.send()
    found = {each.downstream_id: (each.state, each.reason) for each in await relay.deliveries()}
    assert found == {
        "no": (DeliveryState.SKIPPED, "no consent to ad_user_data"),
        "bad": (DeliveryState.DEAD, "cannot be said"),
    }
    assert relay.platform.calls == []


async def test_where_consent_is_required_who_was_not_asked_is_skipped(relay: Relay) -> None:
    async with relay.uow() as tx:
        await tx.configuration.add_mapping(relay.shop, "meta_capi", {"events": {}, "consent": "required"})
    await relay.accept("asked", event_payload='{"consent": {"ad_user_data": "granted"}}')
    await relay.accept("not asked")
    await relay.send()
    found = {each.downstream_id: (each.state, each.reason) for each in await relay.deliveries()}
    assert found == {
        "asked": (DeliveryState.DELIVERED, None),
        "not asked": (DeliveryState.SKIPPED, "no consent to ad_user_data"),
    }


async def test_an_event_that_breaks_its_adapter_is_dead_and_its_neighbours_arrive(relay: Relay) -> None:
    await relay.accept("odd", event_payload='{"confuse": 1}')
    await relay.accept("next")
    await relay.send()
    found = {each.downstream_id: (each.state, each.reason) for each in await relay.deliveries()}
    assert found == {
        "odd": (DeliveryState.DEAD, "could not be put into meta_capi's words: KeyError"),
        "next": (DeliveryState.DELIVERED, None),
    }


async def test_a_switch_that_is_off_holds_everything_and_back_on_releases_it(relay: Relay) -> None:
    await relay.accept("o-1")
    number = await platform(relay.uow)
    async with relay.uow() as tx:
        await tx.configuration.platforms.change(number, {"is_active": False})
    await relay.send()
    assert relay.platform.calls == []
    assert await relay.states() == [DeliveryState.PENDING]
    async with relay.uow() as tx:
        await tx.configuration.platforms.change(number, {"is_active": True})
    await relay.send()
    assert await relay.states() == [DeliveryState.DELIVERED]


async def test_a_sender_that_died_leaves_its_deliveries_to_the_next(relay: Relay) -> None:
    await relay.accept("o-1")
    async with relay.uow() as tx:
        await tx.event_deliveries.claim(relay.destination, now=NOON, limit=1, token="dead", lease=LEASE)
    await relay.send()
    assert relay.platform.calls == []
    await relay.send(LEASE + timedelta(seconds=1))
    assert relay.platform.calls == [["o-1"]]
    (done,) = await relay.deliveries()
    assert (done.state, done.attempts) == (DeliveryState.DELIVERED, 2)


class StoppedError(BaseException):
    """The process ends here."""


def other_than_o1(rendered: Mapping[str, Any]) -> bool:
    """A platform that recognises repeats of some events, as Google Analytics does of purchases."""
    return rendered["id"] != "o-1"


@pytest.mark.parametrize("recognises", [every, never, other_than_o1])
async def test_what_may_have_been_taken_is_sent_again_only_where_a_repeat_is_recognised(
    relay: Relay, recognises: Callable[[Mapping[str, Any]], bool]
) -> None:
    def dies(_: Sequence[str]) -> list[Outcome]:
        raise StoppedError

    recognises_repeats = recognises is every
    relay.platform.limits = replace(relay.platform.limits, recognises=recognises)
    await relay.accept("o-1")
    relay.platform.answer = dies
    with pytest.raises(StoppedError):
        await relay.send()
    relay.platform.answer = all_(DELIVERED)
    await relay.accept("o-2")
    await relay.send(LEASE + timedelta(seconds=1))
    first, second = await relay.deliveries()
    assert second.state is DeliveryState.DELIVERED
    assert first.state is (DeliveryState.DELIVERED if recognises_repeats else DeliveryState.DEAD)
    assert [call.count("o-1") for call in relay.platform.calls] == [1, int(recognises_repeats)]
    assert recognises_repeats or "mid-call" in str(first.reason)


async def test_what_has_no_answer_is_sent_again_only_where_a_repeat_is_recognised(relay: Relay) -> None:
    relay.platform.limits = replace(relay.platform.limits, recognises=other_than_o1)
    await relay.accept("o-1", "o-2")
    relay.platform.answer = all_(Outcome(verdict=Verdict.UNKNOWN, reason="no answer"))
    await relay.send()
    relay.platform.answer = all_(DELIVERED)
    await relay.send(timedelta(hours=1))
    assert relay.platform.calls == [["o-1", "o-2"], ["o-2"]]
    first, second = await relay.deliveries()
    assert (first.state, second.state) == (DeliveryState.DEAD, DeliveryState.DELIVERED)
    assert first.reason == f"{UNCERTAIN}, and meta_capi counts a repeat twice: no answer"


async def test_an_operators_mapping_is_used_and_told_by_version(relay: Relay) -> None:
    async with relay.uow() as tx:
        await tx.configuration.add_mapping(relay.shop, "meta_capi", {"events": {}})
    await relay.accept("o-1")
    await relay.send()
    async with relay.uow() as tx:
        (attempt,) = await tx.attempts.of_event((await tx.events.listed(limit=1))[0].id or 0)
    assert '"version":2' in (attempt.request or "")


async def test_a_platform_of_single_events_is_called_several_times_at_once(uow: Uow) -> None:
    relay = await Relay(uow, FakePlatform(events_a_call=1)).configured()
    await relay.accept(*(f"o-{number}" for number in range(6)))
    await relay.send()
    assert sorted(map(len, relay.platform.calls)) == [1] * 6
    assert await relay.states() == [DeliveryState.DELIVERED] * 6


async def test_a_credential_tells_when_it_was_last_of_use_and_what_went_wrong_since(relay: Relay) -> None:
    async def told() -> tuple[datetime | None, str | None]:
        async with relay.uow() as tx:
            stored = await tx.configuration.credentials.get(relay.credential)
        assert stored
        return stored.last_used_at, stored.last_error

    relay.platform.answer = all_(Outcome(verdict=Verdict.TRANSIENT, reason="503: busy"))
    await relay.accept("o-1")
    await relay.send()
    assert await told() == (None, "503: busy")
    relay.platform.answer = all_(DELIVERED)
    await relay.send(timedelta(hours=1))
    assert await told() == (relay.now, None)


async def test_where_no_key_opens_the_secrets_nothing_is_begun_and_the_destination_alone_waits(relay: Relay) -> None:
    await relay.accept("o-1")
    keys, relay.outside.vault = relay.outside.vault, Vault([new_key()])
    await relay.send()
    (waiting,) = await relay.deliveries()
    assert (waiting.state, waiting.attempts) == (DeliveryState.PENDING, 0)
    assert await relay.paused() == NOON + KEY_PAUSE
    relay.outside.vault = keys
    await relay.send(KEY_PAUSE)
    assert await relay.states() == [DeliveryState.DELIVERED]
