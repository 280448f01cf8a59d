"""Where an order is, and its way back, on real databases."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from handlers.relay import outcomes
from persistence.uow import Uow
from publishers.admin.repair import PAGE
from schemas.relay.records import AttemptStatus, Delivery, DeliveryState, EventStatus
from schemas.relay.selection import UNCERTAIN, Page
from tests.build.admin import World
from tests.build.records import NOON
from tests.build.relay import attempt, credential, delivery, event, storefront

DEAD, PENDING, DONE = DeliveryState.DEAD, DeliveryState.PENDING, DeliveryState.DELIVERED
PAYLOAD = {"order_id": "o-1", "user_data": {"email": "ana@example.com"}, "note": "ask bob@example.com", "value": 12.5}


class Shop(World):
    """A storefront with one destination, before the admin API."""

    number: int
    way: int
    credential: int

    async def opened(self) -> "Shop":
        shop = await storefront(self.uow)
        self.number, self.credential = shop.id, await credential(self.uow, shop)
        async with self.uow() as tx:
            self.way = (await tx.destinations.of_storefronts([shop.id]))[shop.id][0].id
        return self

    async def accept(self, *ids: str, state: DeliveryState = DEAD, **values: Any) -> list[int]:
        """Store events with a delivery each, and return the events' numbers."""
        async with self.uow() as tx:
            made = [event(each, storefront_id=self.number, **values) for each in ids]
            await tx.events.add(made)
            numbers = await tx.events.numbers([each.identity or "" for each in made])
            found = [numbers[each.identity or ""] for each in made]
            await tx.event_deliveries.add([delivery(each, self.way, state=state, attempts=1) for each in found])
            await tx.events.conclude(found, NOON)
        return found

    async def deliveries(self) -> list[Delivery]:
        async with self.uow() as tx:
            return await tx.event_deliveries.listed(limit=5000)

    async def states(self) -> list[DeliveryState]:
        return [each.state for each in await self.deliveries()]

    async def repaired(self, path: str, body: Any = None) -> dict[str, Any]:
        response = await self.call("POST", path, body)
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        return told


@pytest.fixture
async def shop(uow: Uow) -> Shop:
    return await Shop(uow).opened()


async def test_one_page_tells_the_whole_truth_of_an_event_and_names_nobody(shop: Shop) -> None:
    (number,) = await shop.accept("o-1", state=PENDING, event_payload=json.dumps(PAYLOAD))
    (sent,) = await shop.deliveries()
    async with shop.uow() as tx:
        failed = {"http_status_code": 503, "error_message": "503: busy", "duration_ms": 412}
        said = {"request": '{"em": "ana@example.com"}', "response_body": "busy, ana@example.com"}
        await tx.attempts.begin([attempt(sent, status=AttemptStatus.FAILED, **failed, **said)])
    response = await shop.call("GET", f"/events/{number}", who="bob")
    told = response.json()
    assert (told["event"]["event_id"], told["event"]["status"]) == ("o-1", "retrying")
    assert told["payload"]["value"] == 12.5
    assert "@example.com" not in response.text
    (way,) = told["deliveries"]
    assert (way["state"], way["waits_for"], way["downstream_id"]) == ("pending", "its turn", f"event {number}")
    assert (way["destination"]["platform_code"], way["destination"]["held_by"]) == ("meta_capi", None)
    (tried,) = way["attempts"]
    assert (tried["status"], tried["http_status_code"], tried["duration_ms"]) == ("failed", 503, 412)
    assert tried["response"] == "busy, ***"
    assert (await shop.get(f"/deliveries/{sent.id}"))["attempts"] == [tried]


async def test_what_a_producer_sent_is_shown_in_clear_to_the_role_secrets_alone(shop: Shop) -> None:
    (number,) = await shop.accept("o-1", event_payload=json.dumps(PAYLOAD))
    assert (await shop.call("GET", f"/events/{number}?decrypt=true")).status_code == 403
    assert (await shop.get(f"/events/{number}?decrypt=true", who="sue"))["payload"] == PAYLOAD
    assert (await shop.audit())[0] == ("sue", "reveal", "events")


async def test_what_another_system_wrote_is_told_even_where_it_is_no_json(shop: Shop) -> None:
    (number,) = await shop.accept("o-1", event_payload="not json, ana@example.com")
    assert (await shop.get(f"/events/{number}"))["payload"] == "not json, ***"


async def test_why_a_delivery_waits_is_said_in_words(shop: Shop) -> None:
    (number,) = await shop.accept("o-1", state=PENDING)

    async def why() -> str:
        told = await shop.get(f"/events/{number}")
        return str(told["deliveries"][0]["waits_for"])

    shop.now = NOON - timedelta(hours=1)
    assert await why() == "its next attempt"
    async with shop.uow() as tx:
        await tx.destinations.pause(shop.way, NOON + timedelta(days=1), "throttled: 429", 0)
    assert await why() == "its destination is paused: throttled: 429"
    await shop.call("PUT", f"/storefronts/{shop.number}", {"is_active": False})
    assert await why() == "its storefront is switched off"


async def test_an_order_is_looked_for_by_its_number_and_steps_are_told_apart(shop: Shop) -> None:
    await shop.accept("2025020100003333")
    await shop.accept("2025020100003333", event_type="rx_issued", state=DONE)
    for name in ("event_id", "order_id"):
        found = await shop.get(f"/events?{name}=2025020100003333")
        assert [each["event_type"] for each in found["items"]] == ["purchase_completed", "rx_issued"]
    (one,) = (await shop.get("/events?order_id=2025020100003333&event_type=RX_issued"))["items"]
    assert one["status"] == "delivered"
    assert (await shop.get("/events?status=failed&status=held"))["total"] == 1
    found = await shop.get("/deliveries?state=dead&order_id=2025020100003333")
    assert [each["event_type"] for each in found["items"]] == ["purchase_completed"]


async def test_long_lists_go_on_after_a_number(shop: Shop) -> None:
    await shop.accept(*(f"o-{number}" for number in range(5)))
    seen, after = [], 0
    while after is not None:
        page = await shop.get(f"/events?limit=2&newest=true&after={after}")
        seen += [each["event_id"] for each in page["items"]]
        after = page["next_after"]
    assert seen == ["o-4", "o-3", "o-2", "o-1", "o-0"]
    assert (await shop.get("/deliveries?limit=2"))["has_more"] is True
    assert (await shop.call("GET", "/events?limit=1001")).status_code == 422
    assert (await shop.call("GET", "/events?status=lost")).status_code == 422


async def test_an_event_is_sent_again_under_the_id_that_it_had(shop: Shop) -> None:
    (number,) = await shop.accept("o-1")
    (before,) = await shop.deliveries()
    shop.now = NOON + timedelta(days=30)
    told = await shop.repaired(f"/events/{number}/replay")
    assert (told["matched"], told["changed"]) == (1, 1)
    (after,) = await shop.deliveries()
    assert (after.state, after.downstream_id, after.next_attempt_at) == (PENDING, before.downstream_id, shop.now)
    assert after.expires_at == shop.now + timedelta(hours=48)
    assert (await shop.get(f"/events/{number}"))["event"]["status"] == "retrying"
    assert (await shop.audit())[0] == ("ada", "replay", "events")


async def test_what_has_arrived_is_sent_again_only_where_it_is_asked_for(shop: Shop) -> None:
    (number,) = await shop.accept("o-1", state=DONE)
    assert (await shop.repaired(f"/events/{number}/replay"))["changed"] == 0
    assert (await shop.repaired(f"/events/{number}/replay", {"state": ["delivered"]}))["changed"] == 1
    assert await shop.states() == [PENDING]


async def test_an_event_is_called_off_and_can_be_taken_up_again(shop: Shop) -> None:
    (number,) = await shop.accept("o-1", state=PENDING)
    assert (await shop.repaired(f"/events/{number}/cancel", {"reason": "a test order"}))["changed"] == 1
    told = await shop.get(f"/events/{number}")
    assert (told["event"]["status"], told["deliveries"][0]["reason"]) == ("cancelled", "a test order")
    assert (await shop.repaired(f"/events/{number}/replay"))["changed"] == 1
    assert await shop.states() == [PENDING]


async def test_what_is_being_sent_is_let_go_on(shop: Shop) -> None:
    (number,) = await shop.accept("o-1", state=DeliveryState.SENDING)
    assert (await shop.repaired(f"/events/{number}/cancel"))["changed"] == 0
    assert await shop.states() == [DeliveryState.SENDING]


async def test_a_held_event_is_called_off_and_then_held_again(shop: Shop) -> None:
    async with shop.uow() as tx:
        await tx.events.add([event("o-9", storefront_code="ghost", storefront_id=None, status=EventStatus.HELD)])
        (held,) = await tx.events.listed(limit=1)
    assert (await shop.repaired(f"/events/{held.id}/cancel"))["changed"] == 1
    assert (await shop.get(f"/events/{held.id}"))["event"]["status"] == "cancelled"
    await shop.repaired(f"/events/{held.id}/replay")
    assert (await shop.get(f"/events/{held.id}"))["event"]["status"] == "held"


async def test_a_row_that_could_not_be_read_is_read_again(shop: Shop) -> None:
    async with shop.uow() as tx:
        unread = replace(event("o-9", status=EventStatus.FAILED), identity=None, content_hash=None)
        await tx.events.add([replace(unread, error_message="event_time is missing")])
        (failed,) = await tx.events.listed(limit=1)
    await shop.repaired(f"/events/{failed.id}/replay")
    told = (await shop.get(f"/events/{failed.id}"))["event"]
    assert (told["status"], told["reason"]) == ("pending", None)


async def test_a_storefronts_dead_are_replayed_at_a_pace(shop: Shop) -> None:
    count = PAGE + 20
    await shop.accept(*(f"o-{number:04}" for number in range(count)))
    await shop.accept("done", state=DONE)
    body = {"storefront_id": shop.number, "rate": 100}
    assert (await shop.repaired("/deliveries/replay", {**body, "dry_run": True}))["matched"] == count
    told = await shop.repaired("/deliveries/replay", body)
    assert (told["matched"], told["changed"], told["next_after"]) == (count, count, None)
    found = await shop.deliveries()
    assert [each.state for each in found].count(DONE) == 1
    waits = [(each.next_attempt_at - NOON).total_seconds() for each in found if each.state is PENDING]
    assert waits == [float(place // 100) for place in range(count)]
    assert told["last_at"].startswith((NOON + timedelta(seconds=5)).isoformat()[:19])


async def test_a_replay_of_many_goes_on_where_the_last_one_ended(shop: Shop) -> None:
    await shop.accept(*(f"o-{number}" for number in range(5)))
    first = await shop.repaired("/deliveries/replay", {"all": True, "limit": 3})
    assert (first["changed"], await shop.states()) == (3, [PENDING] * 3 + [DEAD] * 2)
    where = {"after": first["next_after"], "start": (NOON + timedelta(minutes=1)).isoformat()}
    rest = await shop.repaired("/deliveries/replay", {"all": True, "limit": 3, **where})
    assert (rest["changed"], rest["next_after"]) == (2, None)
    assert (await shop.deliveries())[-1].next_attempt_at == NOON + timedelta(minutes=1)
    far = {"all": True, "start": "9999-12-31T23:59:59Z"}
    assert (await shop.call("POST", "/deliveries/replay", far)).status_code == 422


async def test_many_are_called_off_by_what_is_known_of_them(shop: Shop) -> None:
    await shop.accept("o-1", "o-2", state=PENDING)
    await shop.accept("o-3", state=PENDING, event_type="lead")
    told = await shop.repaired("/deliveries/cancel", {"destination_id": shop.way, "event_type": "lead"})
    assert (told["changed"], await shop.states()) == (1, [PENDING, PENDING, DeliveryState.CANCELLED])
    by_id = await shop.repaired("/deliveries/cancel", {"ids": [(await shop.deliveries())[0].id]})
    assert by_id["changed"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/deliveries/replay", {}),
        ("/deliveries/cancel", {"state": ["pending"]}),
        ("/deliveries/replay", {"all": True, "state": ["sending"]}),
        ("/deliveries/cancel", {"all": True, "state": ["delivered"]}),
        ("/deliveries/replay", {"all": True, "rate": 0}),
        ("/deliveries/replay", {"all": True, "limit": 10_001}),
    ],
)
async def test_everything_has_to_be_meant_and_only_what_can_be_is_done(shop: Shop, path: str, body: Any) -> None:
    await shop.accept("o-1")
    assert (await shop.call("POST", path, body)).status_code == 422
    assert await shop.states() == [DEAD]


async def test_what_may_have_been_taken_is_sent_again_only_where_it_is_meant(shop: Shop) -> None:
    (number,) = await shop.accept("o-1")
    (sent,) = await shop.deliveries()
    async with shop.uow() as tx:
        await tx.event_deliveries.restart([sent.id or 0], now=NOON, at=NOON, expires_at=NOON)
        (claimed,) = await tx.event_deliveries.claim(
            shop.way, now=NOON, limit=1, token="t", lease=timedelta(seconds=90)
        )
        dead = replace(claimed.delivery, state=DEAD, reason=str(outcomes.UNCERTAIN.reason))
        await tx.event_deliveries.settle([dead], token="t")
    for path, body in (("/deliveries/replay", {"all": True}), (f"/events/{number}/replay", None)):
        assert (await shop.repaired(path, body))["matched"] == 0
    meant = {"all": True, "uncertain": True, "dry_run": True}
    assert (await shop.repaired("/deliveries/replay", meant))["matched"] == 1
    assert (await shop.repaired(f"/deliveries/{sent.id}/replay"))["changed"] == 1


def test_platforms_that_count_repeats_twice_say_so_in_the_words_that_are_looked_for() -> None:
    assert UNCERTAIN in str(outcomes.UNCERTAIN.reason)


async def test_two_operators_who_replay_at_once_send_everything_once(shop: Shop) -> None:
    await shop.accept(*(f"o-{number}" for number in range(50)))
    body = {"storefront_id": shop.number}
    both = await asyncio.gather(*(shop.repaired("/deliveries/replay", body) for _ in range(2)))
    assert sum(each["changed"] for each in both) == 50
    assert await shop.states() == [PENDING] * 50


async def test_what_was_said_of_a_person_is_dropped_and_that_it_happened_stays(shop: Shop) -> None:
    (arrived,) = await shop.accept("o-1", state=DONE, event_payload=json.dumps(PAYLOAD))
    (waiting,) = await shop.accept("o-2", state=PENDING, event_payload=json.dumps(PAYLOAD))
    (sent, _) = await shop.deliveries()
    async with shop.uow() as tx:
        said = {"request": '{"em":"' + "a" * 64 + '"}', "response_body": "thanks, Ana", "http_status_code": 200}
        await tx.attempts.begin([attempt(sent, status=AttemptStatus.SUCCESS, **said)])
    for number in (arrived, waiting):
        await shop.repaired(f"/events/{number}/forget")
    assert await shop.states() == [DONE, DeliveryState.CANCELLED]
    async with shop.uow() as tx:
        found = await tx.events.get(arrived)
        (tried,) = await tx.attempts.of_event(arrived)
        (entry, *_), _ = await tx.search.audit(Page(limit=1, newest=True))
    assert found
    assert (found.event_payload, found.status) == ("{}", EventStatus.DELIVERED)
    assert found.content_hash == "0" * 64
    assert (tried.request, tried.response_body, tried.http_status_code) == (None, None, 200)
    assert (entry.action, entry.resource, entry.resource_id) == ("forget", "events", str(waiting))
    shown = await shop.call("GET", f"/events/{arrived}?decrypt=true", who="sue")
    assert "ana" not in shown.text.lower()


async def test_what_is_not_there_is_not_repaired(shop: Shop) -> None:
    for path in (
        "/events/4711/replay",
        "/events/4711/cancel",
        "/events/4711/forget",
        "/deliveries/4711/replay",
        "/deliveries/4711/cancel",
    ):
        assert (await shop.call("POST", path)).status_code == 404


async def test_destinations_tell_how_much_waits_and_is_dead(shop: Shop) -> None:
    await shop.accept("o-1", "o-2")
    await shop.accept("o-3", state=PENDING)
    (told,) = (await shop.get("/destinations"))["items"]
    assert (told["pending"], told["sending"], told["dead"]) == (1, 0, 2)
    assert told["storefront_code"] == "bosley"
