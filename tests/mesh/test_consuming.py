"""Messages in, effects out, on a real RabbitMQ: verdicts, group commit, drain and recovery."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from brokers.delivery import Delivery
from brokers.queue import Batch, Queue, Retry
from brokers.verdict import Conflict, Reject, Retryable, Unavailable
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from schemas.base import ForeignCommand
from tests.build.broker import away, eventually, small_mesh

SOON = Retry(attempts=3, first=timedelta(milliseconds=1), longest=timedelta(milliseconds=1))


class Count(ForeignCommand):
    key = "samples.count"
    number: int


GROUPED = Queue("samples.count", Count, prefetch=500, retry=SOON, batch=Batch(size=50))
ORDINARY = Queue("samples.count", Count, prefetch=50, concurrency=5, retry=SOON)
BOTH = pytest.mark.parametrize("queue", [GROUPED, ORDINARY], ids=["batch", "ordinary"])


class Recorder:
    """A handler for both kinds of queue that remembers what it did, and may be told to fail first."""

    def __init__(self, fail: Any = None) -> None:
        self.seen: list[int] = []
        self.calls = 0
        self.deliveries: list[Delivery[Count]] = []
        self._fail = fail or (lambda _: None)

    async def __call__(self, given: Delivery[Count] | list[Delivery[Count]]) -> Any:
        group = given if isinstance(given, list) else [given]
        self.calls += 1
        for delivery in group:
            if error := self._fail(delivery):
                raise error
        self.seen += [delivery.message.number for delivery in group]
        self.deliveries += group
        return None if isinstance(given, list) else {"counted": given.message.number}


@BOTH
async def test_every_message_is_handled_once_and_acked(vhost: str, queue: Queue) -> None:
    recorder = Recorder()
    async with small_mesh(vhost, queue) as mesh:
        async with mesh.working(recorder):
            await asyncio.gather(*(mesh.say({"number": n}) for n in range(300)))
            await eventually(lambda: len(recorder.seen) == 300)
        assert sorted(recorder.seen) == list(range(300))
        assert await mesh.depth(queue.name) == 0
        assert await mesh.depth(queue.dead) == 0


@BOTH
async def test_a_body_that_does_not_fit_is_parked_with_the_field_and_the_rest_goes_on(vhost: str, queue: Queue) -> None:
    recorder = Recorder()
    async with small_mesh(vhost, queue) as mesh, mesh.working(recorder):
        await mesh.say(b"{not json")
        await mesh.say({"number": "many"})
        await mesh.say({"number": 7})
        await eventually(lambda: recorder.seen == [7])
        parked = [await mesh.get(queue.dead), await mesh.get(queue.dead)]
        reasons = sorted(str(message.header.properties.headers["x-error"]) for message in parked)
        assert "JSON" in reasons[0]
        assert reasons[1].startswith("number:")
        assert parked[0].header.properties.headers["x-queue"] == queue.name
        assert parked[0].header.properties.headers["x-original-key"] == queue.name


@BOTH
async def test_a_rejected_message_is_parked_alone_and_the_others_of_its_group_succeed(vhost: str, queue: Queue) -> None:
    recorder = Recorder(lambda delivery: Reject("unlucky") if delivery.message.number == 13 else None)
    async with small_mesh(vhost, queue) as mesh, mesh.working(recorder):
        await asyncio.gather(*(mesh.say({"number": n}) for n in range(40)))
        dead = await mesh.get(queue.dead)
        await eventually(lambda: len(recorder.seen) == 39)
        assert json.loads(dead.body) == {"number": 13}
        headers = dead.header.properties.headers
        assert (headers["x-error-class"], headers["x-error"], headers["x-attempts"]) == ("Reject", "unlucky", 1)
        assert len(headers["x-stack-hash"]) == 12


@BOTH
async def test_a_retryable_message_comes_back_by_the_ladder_with_its_attempt_counted(vhost: str, queue: Queue) -> None:
    recorder = Recorder(lambda delivery: Retryable("busy", timedelta(seconds=1)) if delivery.attempt == 1 else None)
    async with small_mesh(vhost, queue) as mesh, mesh.working(recorder):
        await mesh.say({"number": 1}, message_id="the-one")
        await eventually(lambda: recorder.seen == [1])
        delivery = recorder.deliveries[0]
        assert (delivery.attempt, delivery.message_id, delivery.key) == (2, "the-one", queue.name)


@BOTH
async def test_attempts_end_in_the_dead_letter_queue(vhost: str, queue: Queue) -> None:
    recorder = Recorder(lambda _: Retryable("still busy", timedelta(0)))
    async with small_mesh(vhost, queue) as mesh, mesh.working(recorder):
        await mesh.say({"number": 1})
        dead = await mesh.get(queue.dead)
        assert dead.header.properties.headers["x-attempts"] == 3
        assert recorder.calls == 3


@BOTH
async def test_a_bug_is_retried_and_then_parked_with_its_class(vhost: str, queue: Queue) -> None:
    recorder = Recorder(lambda _: ZeroDivisionError("oops"))
    async with small_mesh(vhost, queue) as mesh, mesh.working(recorder):
        await mesh.say({"number": 1})
        dead = await mesh.get(queue.dead)
        assert dead.header.properties.headers["x-error-class"] == "ZeroDivisionError"


@BOTH
async def test_a_lost_race_is_run_again_without_burning_an_attempt(vhost: str, queue: Queue) -> None:
    losses = iter([Conflict("deadlock")] * 4)
    recorder = Recorder(lambda _: next(losses, None))
    async with small_mesh(vhost, queue) as mesh, mesh.working(recorder):
        await mesh.say({"number": 1})
        await eventually(lambda: recorder.seen == [1])
        assert recorder.deliveries[0].attempt == 1
        assert recorder.calls == 5


@BOTH
async def test_an_outage_burns_no_attempt_and_parks_nothing(vhost: str, queue: Queue) -> None:
    is_away = True

    async def probe() -> None:
        if is_away:
            raise away()

    recorder = Recorder(lambda _: away() if is_away else None)
    async with small_mesh(vhost, queue) as mesh, mesh.working(recorder, probe=probe) as worker:
        await asyncio.gather(*(mesh.say({"number": n}) for n in range(20)))
        await eventually(lambda: worker.consumers[0].is_waiting)
        calls = recorder.calls
        await asyncio.sleep(0.7)  # the outage lasts; the point is that nothing is tried meanwhile
        assert recorder.calls == calls
        is_away = False
        await eventually(lambda: len(recorder.seen) == 20)
        assert {delivery.attempt for delivery in recorder.deliveries} == {1}
        assert await mesh.depth(queue.dead) == 0


@BOTH
async def test_draining_during_an_outage_gives_everything_back_uncounted(vhost: str, queue: Queue) -> None:
    async def probe() -> None:
        raise away()

    async with small_mesh(vhost, queue) as mesh:
        async with mesh.working(Recorder(lambda _: away()), probe=probe) as worker:
            await asyncio.gather(*(mesh.say({"number": n}, message_id=str(n)) for n in range(30)))
            await eventually(lambda: worker.consumers[0].is_waiting)
        recorder = Recorder()
        async with mesh.working(recorder):
            await eventually(lambda: len(recorder.seen) >= 30)
        assert sorted(recorder.seen) == list(range(30))
        assert [each.headers for each in recorder.deliveries if each.headers.get("x-delivery-count")] == []


@BOTH
async def test_a_drain_finishes_what_runs_and_nothing_finished_is_redelivered(vhost: str, queue: Queue) -> None:
    first, second = Recorder(), Recorder()

    async def slowly(given: Any) -> None:
        await asyncio.sleep(0.05)
        await first(given)

    async with small_mesh(vhost, queue) as mesh:
        async with mesh.working(slowly):
            await asyncio.gather(*(mesh.say({"number": n}) for n in range(200)))
            await eventually(lambda: first.seen)
        async with mesh.working(second):
            await eventually(lambda: len(first.seen) + len(second.seen) >= 200)
        assert sorted(first.seen + second.seen) == list(range(200))
        assert not any(delivery.headers.get("x-delivery-count") for delivery in second.deliveries)


@BOTH
async def test_a_reply_is_sent_to_whoever_asked(vhost: str, queue: Queue) -> None:
    async def answer(given: Any) -> Any:
        return [{"got": d.message.number} for d in given] if isinstance(given, list) else {"got": given.message.number}

    async with small_mesh(vhost, queue) as mesh, mesh.working(answer):
        await mesh.plain.queue_declare("answers", exclusive=True)
        await mesh.say({"number": 5}, reply_to="answers", message_id="q", headers={"x-track": True})
        reply = await mesh.get("answers")
        assert json.loads(reply.body) == {"state": "done", "result": {"got": 5}}
        assert reply.header.properties.correlation_id == "q"
        await eventually(lambda: mesh.board.read("q"))


@BOTH
async def test_a_consumer_comes_back_after_its_queue_was_deleted(vhost: str, queue: Queue) -> None:
    recorder = Recorder()
    async with small_mesh(vhost, queue) as mesh, mesh.working(recorder) as worker:
        await mesh.plain.queue_delete(queue.name)
        await eventually(lambda: not worker.is_ready)
        await eventually(lambda: worker.is_ready)
        await mesh.say({"number": 1})
        await eventually(lambda: recorder.seen == [1])


@BOTH
async def test_consuming_and_publishing_survive_a_reset_of_all_connections_with_messages_in_work(
    broker: PrivateRabbitMQ, vhost: str, queue: Queue
) -> None:
    recorder = Recorder()

    async def slowly(given: Any) -> None:
        await asyncio.sleep(0.1)
        await recorder(given)

    async def insist(mesh: Any, number: int) -> None:
        while True:
            try:
                return await mesh.say({"number": number}, message_id=str(number))
            except Unavailable:
                await asyncio.sleep(0.1)

    async with small_mesh(vhost, queue) as mesh, mesh.working(slowly):
        saying = asyncio.gather(*(insist(mesh, n) for n in range(300)))
        await eventually(lambda: recorder.seen)
        await broker.close_connections()
        await saying
        await eventually(lambda: set(recorder.seen) == set(range(300)))
        assert {delivery.message_id for delivery in recorder.deliveries} == {str(n) for n in range(300)}


async def test_messages_of_one_key_run_one_at_a_time_in_order_and_keys_run_in_parallel(vhost: str) -> None:
    queue = Queue("samples.count", Count, prefetch=100, concurrency=8, key_of=lambda message: str(message.number % 4))
    running: set[int] = set()
    widest = 0
    done: list[int] = []

    async def handler(delivery: Delivery[Count]) -> None:
        nonlocal widest
        key = delivery.message.number % 4
        assert key not in running
        running.add(key)
        widest = max(widest, len(running))
        await asyncio.sleep(0.005)
        running.discard(key)
        done.append(delivery.message.number)

    async with small_mesh(vhost, queue) as mesh:
        for number in range(80):
            await mesh.say({"number": number})
        async with mesh.working(handler):
            await eventually(lambda: len(done) == 80)
        assert await mesh.depth(queue.dead) == 0
    assert widest == 4
    for key in range(4):
        assert [n for n in done if n % 4 == key] == [n for n in range(80) if n % 4 == key]


async def test_a_crash_loop_ends_in_the_dead_letter_queue_by_the_delivery_limit(vhost: str) -> None:
    async with small_mesh(vhost, ORDINARY) as mesh:
        await mesh.say({"number": 1})
        for _ in range(21):
            message = await mesh.plain.basic_get(ORDINARY.name)
            await mesh.plain.basic_reject(message.delivery_tag, requeue=True)
        dead = await mesh.get(ORDINARY.dead)
        assert json.loads(dead.body) == {"number": 1}


async def test_large_bodies_make_small_groups_and_lower_the_prefetch(vhost: str) -> None:
    sizes: list[int] = []
    queue = Queue("samples.count", Count, prefetch=500, batch=Batch(size=100, max_bytes=1_000_000))
    filler = "x" * 300_000

    async def handler(group: list[Delivery[Count]]) -> None:
        sizes.append(len(group))
        await asyncio.sleep(0.01)

    async with small_mesh(vhost, queue) as mesh:
        await asyncio.gather(*(mesh.say({"number": n, "filler": filler}) for n in range(120)))
        async with mesh.working(handler) as worker:
            await eventually(lambda: sum(sizes) == 120)
            await eventually(lambda: worker.consumers[0].prefetch < 40)
        assert max(sizes) <= 4
        assert await mesh.depth(queue.dead) == 0
