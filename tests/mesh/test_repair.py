"""What an operator does: looks at the topology and the queues, redrives and discards dead letters."""

import asyncio
import json
from typing import Any

import pytest
from pydantic import ValidationError

from brokers import declare
from brokers.census import Census
from brokers.dead import DeadLetters, Selection
from brokers.declaration import Binding, Declaration
from brokers.delivery import Delivery
from brokers.link import Link
from brokers.plan import Refused, State, Topology
from brokers.queue import Queue
from brokers.verdict import Reject
from schemas.base import ForeignCommand
from schemas.clock import utc_now
from tests.build.broker import SmallMesh, eventually, small_mesh


class Count(ForeignCommand):
    key = "samples.count"
    number: int


QUEUE = Queue("samples.count", Count)
DECLARED = declare.whole({"samples"}, [QUEUE])


async def _at_once(_: Any) -> None:
    return


async def _refuse_odd(delivery: Delivery[Count]) -> None:
    if delivery.message.number % 2:
        raise Reject("odd")


def _letters(mesh: SmallMesh) -> DeadLetters:
    return DeadLetters(Link(mesh.url, "test dead"), mesh.publisher, [QUEUE], utc_now)


async def _some_dead(mesh: SmallMesh) -> None:
    async with mesh.working(_refuse_odd):
        await mesh.say(b"nonsense", message_id="bad")
        for number in range(6):
            await mesh.say({"number": number}, message_id=str(number))
        await eventually(lambda: _is(mesh, QUEUE.dead, 4))


async def _is(mesh: SmallMesh, queue: str, depth: int) -> bool:
    return await mesh.depth(queue) == depth


async def test_dead_letters_are_read_in_groups_and_stay_where_they_are(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        await _some_dead(mesh)
        for _ in range(2):
            letters = [letter async for letter in _letters(mesh).letters(Selection())]
            assert sorted(letter.reason[:3] for letter in letters) == ["bod", "odd", "odd", "odd"]
            assert len({letter.group for letter in letters}) == 2
            assert await mesh.depth(QUEUE.dead) == 4


async def test_letters_that_were_looked_at_can_be_redriven_at_once(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        await _some_dead(mesh)
        for left in (3, 2, 1):
            letters = [letter async for letter in _letters(mesh).letters(Selection())]
            chosen = Selection(message_id=letters[0].incoming.message_id)
            assert await _letters(mesh).redrive(chosen, _at_once) == 1
            assert await mesh.depth(QUEUE.dead) == left


async def test_a_group_is_redriven_and_the_rest_stays(vhost: str) -> None:
    seen: list[Delivery[Count]] = []

    async def handler(delivery: Delivery[Count]) -> None:
        seen.append(delivery)

    async with small_mesh(vhost, QUEUE) as mesh:
        await _some_dead(mesh)
        groups = {letter.group async for letter in _letters(mesh).letters(Selection()) if letter.reason == "odd"}
        assert await _letters(mesh).redrive(Selection(group=groups.pop()), _at_once) == 3
        async with mesh.working(handler):
            await eventually(lambda: len(seen) == 3)
        assert sorted(each.message_id for each in seen) == ["1", "3", "5"]
        assert {(each.attempt, each.key) for each in seen} == {(1, "samples.count")}
        await eventually(lambda: _is(mesh, QUEUE.dead, 1))


async def test_a_mended_body_goes_back_and_one_that_does_not_fit_is_refused(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        await _some_dead(mesh)
        with pytest.raises(ValidationError):
            await _letters(mesh).redrive(Selection(message_id="bad"), _at_once, b'{"number": "still"}')
        assert await _letters(mesh).redrive(Selection(message_id="bad"), _at_once, b'{"number": 8}') == 1
        back = await mesh.get(QUEUE.name)
        assert json.loads(back.body) == {"number": 8}
        assert back.header.properties.message_id == "bad"


async def test_discarding_takes_only_what_was_selected(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        await _some_dead(mesh)
        assert await _letters(mesh).discard(Selection(message_id="3"), _at_once) == 1
        await eventually(lambda: _is(mesh, QUEUE.dead, 3))


async def test_what_the_broker_parked_in_a_crash_loop_is_redriven_and_succeeds(vhost: str) -> None:
    seen: list[Delivery[Count]] = []

    async def handler(delivery: Delivery[Count]) -> None:
        seen.append(delivery)

    async with small_mesh(vhost, QUEUE) as mesh:
        await mesh.say({"number": 4}, message_id="unlucky")
        for _ in range(declare.DELIVERY_LIMIT + 1):
            message = await mesh.plain.basic_get(QUEUE.name)
            await mesh.plain.basic_reject(int(message.delivery_tag or 0), requeue=True)
        await eventually(lambda: _is(mesh, QUEUE.dead, 1))
        (letter,) = [letter async for letter in _letters(mesh).letters(Selection())]
        assert letter.error_class == "DeliveryLimit"
        assert letter.incoming.key == QUEUE.name
        await _letters(mesh).redrive(Selection(), _at_once)
        async with mesh.working(handler):
            await eventually(lambda: seen)
        assert seen[0].message_id == "unlucky"


async def test_the_census_counts_what_waits_who_consumes_and_what_is_dead(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        await _some_dead(mesh)
        await mesh.say({"number": 2})
        await mesh.plain.basic_publish(b"stray", exchange="samples.topic", routing_key="samples.nobody")
        await eventually(lambda: _is(mesh, declare.UNROUTED, 1))
        link = Link(vhost, "test census")
        queue, strays = await Census(link, [QUEUE], utc_now).count()
        await link.close()
        assert (queue.ready, queue.consumers, queue.dead) == (1, 0, 4)
        assert queue.oldest_dead_at is not None
        assert (strays.name, strays.ready) == ("mesh.unrouted", 1)


async def _plan(url: str, declared: Declaration = DECLARED) -> dict[str, State]:
    link = Link(url, "test plan")
    steps = await Topology(link, declared).plan()
    await link.close()
    return {step.name: step.state for step in steps}


async def test_a_plan_changes_nothing_and_applying_it_twice_does_nothing_more(vhost: str) -> None:
    assert set((await _plan(vhost)).values()) == {State.MISSING}
    assert set((await _plan(vhost)).values()) == {State.MISSING}
    link = Link(vhost, "test apply")
    topology = Topology(link, DECLARED)
    assert len(await topology.apply()) == len(DECLARED.exchanges) + len(DECLARED.queues)
    assert await topology.apply() == []
    await link.close()
    assert set((await _plan(vhost)).values()) == {State.EQUAL}


async def test_an_empty_queue_that_differs_is_replaced_and_one_with_messages_is_not(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        await mesh.plain.queue_delete(QUEUE.name)
        await mesh.plain.queue_declare(QUEUE.name, durable=True)
        await mesh.plain.queue_bind(QUEUE.name, QUEUE.exchange, routing_key=QUEUE.name)
        assert (await _plan(vhost))[QUEUE.name] is State.DIFFERENT
        link = Link(vhost, "test apply")
        await mesh.say({"number": 1})
        with pytest.raises(Refused, match="holds 1 messages"):
            await Topology(link, DECLARED).apply()
        assert await mesh.depth(QUEUE.name) == 1
        await mesh.get(QUEUE.name)
        await Topology(link, DECLARED).apply()
        await link.close()
        assert set((await _plan(vhost)).values()) == {State.EQUAL}


async def test_a_queue_that_nobody_declares_is_deleted_only_if_it_is_empty(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        for name in ("samples.old", "samples.full", "somebody.elses"):
            await mesh.plain.queue_declare(name, durable=True)
        await mesh.plain.basic_publish(b"{}", routing_key="samples.full")
        await eventually(lambda: _is(mesh, "samples.full", 1))
        link = Link(vhost, "test prune")
        topology = Topology(link, DECLARED)
        found = {"samples.old": 0, "samples.full": 1, "somebody.elses": 0, QUEUE.name: 0, "mesh.answers.1": 0}
        steps = topology.undeclared(found)
        assert {step.name: step.action for step in steps} == {
            "samples.full": "nothing: holds messages",
            "samples.old": "delete, with --prune",
        }
        assert [step.name for step in await topology.prune(steps)] == ["samples.old"]
        await link.close()
        assert await mesh.depth("samples.full") == 1
        assert await mesh.depth("somebody.elses") == 0


async def test_bindings_are_made_again_where_somebody_removed_them(vhost: str) -> None:
    async with small_mesh(vhost, QUEUE) as mesh:
        lost = Binding(QUEUE.exchange, QUEUE.name, QUEUE.name)
        await mesh.plain.queue_unbind(lost.destination, lost.source, routing_key=lost.key)
        link = Link(vhost, "test apply")
        await Topology(link, DECLARED).apply()
        await link.close()
        await mesh.say({"number": 1})
        assert json.loads((await mesh.get(QUEUE.name)).body) == {"number": 1}


async def test_a_consumer_that_vanished_without_a_word_is_found_and_rebuilt(vhost: str) -> None:
    seen: list[int] = []

    async def handler(delivery: Delivery[Count]) -> None:
        seen.append(delivery.message.number)

    async with small_mesh(vhost, QUEUE) as mesh, mesh.working(handler) as worker:
        (consumer,) = worker.consumers
        subscription = consumer._subscription
        assert subscription is not None
        await subscription._channel.basic_cancel(subscription._tag)
        await mesh.say({"number": 1})
        await worker.watchdog.look()
        await eventually(lambda: seen == [1])
        await eventually(lambda: worker.is_ready)
        await worker.watchdog.look()
        assert worker.watchdog.is_healthy_at(asyncio.get_running_loop().time() + 3600)


async def test_one_that_stays_away_fails_liveness(vhost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def handler(_: Delivery[Count]) -> None: ...

    async with small_mesh(vhost, QUEUE) as mesh, mesh.working(handler) as worker:
        monkeypatch.setattr(type(worker.consumers[0]), "is_consuming", False)
        await worker.watchdog.look()
        now = asyncio.get_running_loop().time()
        assert worker.watchdog.is_healthy_at(now + 30)
        assert not worker.watchdog.is_healthy_at(now + 61)
