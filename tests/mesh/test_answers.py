"""A question over the broker and its answer."""

import json
from datetime import timedelta

from brokers.answers import Answers
from brokers.delivery import Delivery
from brokers.link import Link
from brokers.queue import Queue
from brokers.verdict import Reject
from mesh.embedded.rabbitmq import PrivateRabbitMQ
from schemas.base import ForeignCommand
from tests.build.broker import eventually, small_mesh


class Count(ForeignCommand):
    key = "samples.count"
    number: int


QUEUE = Queue("samples.count", Count)


async def _double(delivery: Delivery[Count]) -> dict[str, int]:
    if delivery.message.number < 0:
        raise Reject("negative")
    return {"double": delivery.message.number * 2}


async def test_an_answer_finds_whoever_asked(vhost: str) -> None:
    answers = Answers(Link(vhost, "test answers"))
    async with small_mesh(vhost, QUEUE) as mesh, mesh.working(_double):
        async with answers.expect("a") as first, answers.expect("b") as second:
            await mesh.say({"number": 2}, message_id="b", reply_to=second.reply_to)
            await mesh.say({"number": 1}, message_id="a", reply_to=first.reply_to)
            told = [await each.wait(timedelta(seconds=10)) for each in (first, second)]
        assert [json.loads(body or b"") for body in told] == [
            {"state": "done", "result": {"double": 2}},
            {"state": "done", "result": {"double": 4}},
        ]
    await answers.close()


async def test_a_rejected_question_is_answered_with_the_reason(vhost: str) -> None:
    answers = Answers(Link(vhost, "test answers"))
    async with small_mesh(vhost, QUEUE) as mesh, mesh.working(_double):
        async with answers.expect("a") as answer:
            await mesh.say({"number": -1}, message_id="a", reply_to=answer.reply_to)
            told = json.loads(await answer.wait(timedelta(seconds=10)) or b"")
        assert told == {"state": "dead", "reason": "negative", "error": "Reject"}
    await answers.close()


async def test_nobody_answers_in_time(vhost: str) -> None:
    answers = Answers(Link(vhost, "test answers"))
    async with answers.expect("a") as answer:
        assert await answer.wait(timedelta(milliseconds=50)) is None
    await answers.close()


async def test_after_a_lost_connection_the_next_question_has_a_new_address(broker: PrivateRabbitMQ, vhost: str) -> None:
    answers = Answers(Link(vhost, "test answers"))
    async with answers.expect("a") as answer:
        before = answer.reply_to
    await broker.close_connections()

    async def moved() -> bool:
        async with answers.expect("b") as answer:
            return answer.reply_to not in (None, before)

    await eventually(moved)
    await answers.close()


async def test_with_the_broker_away_there_is_no_address_and_no_error() -> None:
    answers = Answers(Link("amqp://guest:guest@127.0.0.1:1/", "nowhere"))
    async with answers.expect("a") as answer:
        assert answer.reply_to is None
