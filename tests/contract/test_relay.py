"""What the relay's repositories promise, on every database."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from brokers.verdict import Conflict
from persistence.engine import open_engine
from persistence.uow import Uow
from schemas.relay.records import AttemptStatus, DeliveryState, DestinationKind, EventStatus
from tests.build.records import NOON
from tests.build.relay import attempt, credential, delivery, event, platform, storefront, tagging_server

LEASE = timedelta(seconds=30)

DOCUMENTED = (
    (
        "INSERT INTO marketing_events (event_id, storefront_id, event_type, event_payload, source_system, status) "
        "VALUES ('LX-1', 12, 'rx_issued', '{\"order_id\":\"LX-1\"}', 'oms_direct', 'pending')"
    ),
    (
        "INSERT INTO marketing_events (event_id, storefront_code, event_type, event_payload, source_system, status) "
        "VALUES ('LX-2', 'lumen-rx', 'rx_issued', '{\"order_id\":\"LX-2\"}', 'oms_direct', 'pending')"
    ),
)


async def added(uow: Uow, *event_ids: str) -> list[int]:
    async with uow() as tx:
        events = [event(each) for each in event_ids]
        await tx.events.add(events)
        numbers = await tx.events.numbers([each.identity or "" for each in events])
        return [numbers[each.identity or ""] for each in events]


async def destination(uow: Uow) -> int:
    shop = await storefront(uow)
    await tagging_server(uow, shop)
    async with uow() as tx:
        return (await tx.destinations.of_storefronts([shop.id]))[shop.id][0].id


async def due_to(uow: Uow, destination_id: int, *event_ids: str) -> list[int]:
    numbers = await added(uow, *event_ids)
    async with uow() as tx:
        await tx.event_deliveries.add([delivery(number, destination_id) for number in numbers])
    return numbers


async def test_rows_written_with_the_documented_columns_alone_are_found(uow: Uow, url: str) -> None:
    engine = open_engine(url)
    async with engine.begin() as connection:
        for statement in DOCUMENTED:
            await connection.execute(text(statement))
    await engine.dispose()
    async with uow() as tx:
        first = await tx.events.claim_unadopted(now=NOON, limit=10, token="a", lease=LEASE)
    async with uow() as tx:
        again = await tx.events.claim_unadopted(now=NOON, limit=10, token="b", lease=LEASE)
        later = await tx.events.claim_unadopted(now=NOON + LEASE, limit=10, token="c", lease=LEASE)
        taken = await tx.events.take(first)
    assert again == []
    assert later == first
    assert [each.event_id for each in taken] == ["LX-1", "LX-2"]
    assert [each.status for each in taken] == [EventStatus.PENDING] * 2
    assert abs((taken[0].created_at - taken[0].updated_at).total_seconds()) < 5


async def test_a_row_whose_status_nobody_knows_is_new(uow: Uow, url: str) -> None:
    engine = open_engine(url)
    async with engine.begin() as connection:
        for status, statement in zip(("queued", ""), DOCUMENTED, strict=True):
            await connection.execute(text(statement.replace("'pending'", f"'{status}'")))
    await engine.dispose()
    async with uow() as tx:
        claimed = await tx.events.claim_unadopted(now=NOON, limit=10, token="a", lease=LEASE)
        assert [each.event_id for each in await tx.events.take(claimed)] == ["LX-1", "LX-2"]


async def test_what_a_producer_sent_comes_back_to_the_letter(uow: Uow) -> None:
    odd = [
        "'",
        '"',
        "\\",
        "\\'",
        "'; DROP TABLE marketing_events; --",
        "%s",
        "{}",
        "%",
        "a\nb\r\t",
        "\x1a",
        "\x00",
        "🧴é",
        "\\x",
    ]
    async with uow() as tx:
        await tx.events.add([event(f"o-{at}", event_payload=each) for at, each in enumerate(odd)])
        stored = await tx.events.listed(limit=100)
        await tx.events.save([replace(each, event_payload=each.event_payload * 2) for each in stored])
        doubled = await tx.events.listed(limit=100)
    by_id = {each.event_id: each.event_payload for each in stored}
    assert [by_id[f"o-{at}"] for at in range(len(odd))] == odd
    assert [each.event_payload for each in doubled] == [each.event_payload * 2 for each in stored]


async def test_an_identity_is_stored_once(uow: Uow) -> None:
    await added(uow, "o-1")
    with pytest.raises(Conflict):
        await added(uow, "o-1")


async def test_identities_that_differ_in_case_accent_or_tenant_are_different(uow: Uow) -> None:
    async with uow() as tx:
        await tx.events.add([event("o1"), event("O1"), event("ó1"), event("o1", storefront_code="lumen")])
        assert len(await tx.events.numbers([str(each.identity) for each in [event("o1"), event("O1")]])) == 2


async def test_a_storefront_has_one_destination_for_its_tagging_server_and_one_a_direct_credential(uow: Uow) -> None:
    shop, bare = await storefront(uow), await storefront(uow, "bare")
    config = await tagging_server(uow, shop)
    await credential(uow, shop, "tiktok_events", destination_type=DestinationKind.SGTM)
    direct = await credential(uow, shop, "meta_capi")
    for _ in range(2):
        async with uow() as tx:
            found = await tx.destinations.of_storefronts([shop.id, bare.id])
        assert [(each.kind, each.sgtm_config_id, each.credential_id) for each in found[shop.id]] == [
            (DestinationKind.SGTM, config, None),
            (DestinationKind.DIRECT, None, direct),
        ]
        assert found[bare.id] == []


async def test_every_level_of_kill_switch_holds_and_releases(uow: Uow) -> None:
    shop = await storefront(uow)
    number = await credential(uow, shop)
    level = await platform(uow)
    async with uow() as tx:
        where = (await tx.destinations.of_storefronts([shop.id]))[shop.id][0].id
    await due_to(uow, where, "o-1")
    async with uow() as tx:
        switches = tx.configuration
        for resource, which in (
            (switches.storefronts, shop.id),
            (switches.platforms, level),
            (switches.credentials, number),
        ):
            assert await tx.destinations.due(NOON, 10) == [where]
            await resource.change(which, {"is_active": False})
            view = await tx.destinations.get(where)
            assert view is not None
            assert "switched off" in (view.switched_off or "")
            assert await tx.destinations.due(NOON, 10) == []
            await resource.change(which, {"is_active": True})
        view = await tx.destinations.get(where)
        assert view is not None
        assert view.switched_off is None


async def test_a_paused_or_woken_destination_is_not_due(uow: Uow) -> None:
    where = await destination(uow)
    await due_to(uow, where, "o-1")
    async with uow() as tx:
        await tx.destinations.wake([where], NOON + LEASE)
        assert await tx.destinations.due(NOON, 10) == []
        assert await tx.destinations.due(NOON + LEASE, 10) == [where]
        await tx.destinations.pause(where, NOON + 2 * LEASE, "401", 3)
        assert await tx.destinations.due(NOON + LEASE, 10) == []
        await tx.destinations.resume(where)
        assert await tx.destinations.due(NOON + LEASE, 10) == [where]


async def test_what_belongs_to_an_event_that_was_deleted_holds_up_nothing(uow: Uow) -> None:
    where = await destination(uow)
    await due_to(uow, where, "o-1", "o-2")
    async with uow() as tx:
        (gone,) = await tx.events.listed(limit=1)
        await tx._session.execute(text(f"DELETE FROM marketing_events WHERE id = {gone.id}"))
    async with uow() as tx:
        claimed = await tx.event_deliveries.claim(where, now=NOON, limit=10, token="t", lease=LEASE)
        assert [each.event.event_id for each in claimed] == ["o-2"]
        (left,) = await tx.event_deliveries.of_event(gone.id or 0)
    assert (left.state, left.reason) == (DeliveryState.CANCELLED, "its event was deleted")


async def test_what_one_sender_holds_another_does_not_get_until_the_lease_ends(uow: Uow) -> None:
    where = await destination(uow)
    await due_to(uow, where, "o-1", "o-2", "o-3")
    async with uow() as tx:
        first = await tx.event_deliveries.claim(where, now=NOON, limit=2, token="a", lease=LEASE)
    async with uow() as tx:
        rest = await tx.event_deliveries.claim(where, now=NOON, limit=9, token="b", lease=LEASE)
    async with uow() as tx:
        assert await tx.destinations.due(NOON, 10) == []
        assert await tx.destinations.due(NOON + LEASE, 10) == [where]
        left = await tx.event_deliveries.claim(where, now=NOON + LEASE, limit=9, token="c", lease=LEASE)
    assert [each.event.event_id for each in first] == ["o-1", "o-2"]
    assert [each.event.event_id for each in rest] == ["o-3"]
    assert {each.event.event_id for each in left} == {"o-1", "o-2", "o-3"}
    assert {each.delivery.attempts for each in left} == {2}
    async with uow() as tx:
        done = [replace(each.delivery, state=DeliveryState.DELIVERED, delivered_at=NOON) for each in first]
        assert await tx.event_deliveries.settle(done, token="a") == []


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((DeliveryState.DELIVERED, DeliveryState.SKIPPED), EventStatus.DELIVERED),
        ((DeliveryState.DELIVERED, DeliveryState.DEAD), EventStatus.FAILED),
        ((DeliveryState.DELIVERED, DeliveryState.PENDING), EventStatus.RETRYING),
        ((DeliveryState.CANCELLED, DeliveryState.DELIVERED), EventStatus.CANCELLED),
    ],
)
async def test_an_event_is_what_its_deliveries_add_up_to(
    uow: Uow, states: tuple[DeliveryState, DeliveryState], expected: EventStatus
) -> None:
    (number,) = await added(uow, "o-1")
    async with uow() as tx:
        await tx.event_deliveries.add(
            [delivery(number, place, state=state, attempts=1) for place, state in enumerate(states, 1)]
        )
        await tx.events.conclude([number], NOON)
        found = await tx.events.get(number)
        assert found is not None
        assert found.status is expected


async def test_a_held_event_is_found_once_its_storefront_has_somewhere_to_send_to(uow: Uow) -> None:
    async with uow() as tx:
        await tx.events.add([event(status=EventStatus.HELD, storefront_id=None)])
    shop = await storefront(uow)
    async with uow() as tx:
        assert await tx.events.claim_unadopted(now=NOON, limit=9, token="a", lease=LEASE) == []
    await tagging_server(uow, shop)
    async with uow() as tx:
        assert len(await tx.events.claim_unadopted(now=NOON, limit=9, token="a", lease=LEASE)) == 1


async def test_attempts_are_recorded_before_the_call_and_finished_after_it(uow: Uow) -> None:
    new = attempt(delivery(1, 1, id=7, attempts=1))
    async with uow() as tx:
        await tx.attempts.begin([new])
        begun = (await tx.attempts.open_of([7]))[7]
        await tx.attempts.finish([replace(begun, status=AttemptStatus.SUCCESS, http_status_code=204, duration_ms=9)])
        assert await tx.attempts.open_of([7]) == {}
        (found,) = await tx.attempts.of_event(1)
    assert (found.status, found.http_status_code, found.duration_ms) == (AttemptStatus.SUCCESS, 204, 9)


async def test_a_mapping_has_versions_and_a_storefronts_own_comes_first(uow: Uow) -> None:
    async with uow() as tx:
        assert await tx.configuration.mapping(1, "meta_capi") is None
        assert await tx.configuration.add_mapping(None, "meta_capi", {"events": {"lead": "Lead"}}) == 2
        assert await tx.configuration.add_mapping(None, "meta_capi", {"events": {"lead": "Contact"}}) == 3
        assert await tx.configuration.mapping(1, "meta_capi") == {"events": {"lead": "Contact"}, "version": 3}
        assert await tx.configuration.add_mapping(1, "meta_capi", {"events": {}}) == 2
        assert await tx.configuration.mapping(1, "meta_capi") == {"events": {}, "version": 2}


async def test_a_cancelled_delivery_can_be_started_again(uow: Uow) -> None:
    where = await destination(uow)
    (number,) = await due_to(uow, where, "o-1")
    async with uow() as tx:
        (one,) = await tx.event_deliveries.of_event(number)
        assert one.id is not None
        cancelled = await tx.event_deliveries.cancel([one.id], now=NOON, reason="asked to")
        assert [each.event_id for each in cancelled] == [number]
        assert not await tx.event_deliveries.has_due(where, NOON)
        horizon = NOON + timedelta(days=1)
        restarted = await tx.event_deliveries.restart([one.id], now=NOON, at=NOON, expires_at=horizon)
        assert [each.event_id for each in restarted] == [number]
        assert await tx.event_deliveries.has_due(where, NOON)
