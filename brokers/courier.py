"""What happens to a message once its handler has spoken: answered, sent down the ladder, or parked."""

import asyncio
import json
import socket
from collections.abc import Sequence
from typing import Any

import structlog
from pydantic_core import to_jsonable_python

from brokers import declare, metrics
from brokers.incoming import Incoming
from brokers.judgement import Park, Retry, judge
from brokers.ladder import ladder_address
from brokers.outgoing import Outgoing
from brokers.publisher import Publisher
from brokers.status import TRACKED, State, Status, StatusBoard
from brokers.verdict import Reject, Unavailable
from schemas.clock import Clock

log = structlog.get_logger()


class Courier:
    """Moves messages onward with confirms; acking is the caller's, and comes after."""

    def __init__(self, publisher: Publisher, board: StatusBoard, clock: Clock) -> None:
        self._publisher = publisher
        self._board = board
        self._clock = clock
        self._background: set[asyncio.Task[None]] = set()

    async def done(self, messages: Sequence[Incoming], results: Sequence[Any]) -> None:
        """Count, answer and record messages of one queue whose effects are committed."""
        now = self._clock()
        queue = messages[0].queue.name
        metrics.done.labels(queue).inc(len(messages))
        age = metrics.critical_time.labels(queue)
        statuses: list[Status] = []
        for message, result in zip(messages, results, strict=True):
            age.observe(max((now - message.first_seen).total_seconds(), 0))
            if message.reply_to or TRACKED in message.headers:
                plain = to_jsonable_python(result)
                self._answer(message, {"state": State.DONE, "result": plain})
                statuses += self._tracked(message, State.DONE, result=plain)
        self._record(statuses)

    async def failed(self, message: Incoming, error: Exception) -> bool:
        """Send a message down the ladder or park it; False if the broker would not take it, so do not ack."""
        judgement = judge(error, message, self._clock())
        try:
            if isinstance(judgement, Retry):
                await self._retry(message, judgement)
            else:
                await self._park(message, judgement)
        except Unavailable as away:
            log.warning("not_moved", queue=message.queue.name, message_id=message.message_id, reason=str(away))
            return False
        return True

    async def hand_back(self, message: Incoming) -> bool:
        """Publish an untouched message to the end of its own queue, which counts no failed delivery.

        Where that queue was deleted meanwhile, it is kept with the strays.
        """
        try:
            await self._publisher.publish(message.onward("", message.physical))
        except Reject:  # unroutable
            return await self._published(message.onward(message.exchange, message.key))
        except Unavailable:
            return False
        return True

    async def _published(self, message: Outgoing) -> bool:
        try:
            await self._publisher.publish(message)
        except (Reject, Unavailable):
            return False
        return True

    async def flush(self) -> None:
        """Wait for answers and statuses that are still on their way."""
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _retry(self, message: Incoming, judgement: Retry) -> None:
        exchange, key = ladder_address(message.physical, judgement.delay)
        onward = message.onward(exchange, key, **{"x-attempt": message.attempt + 1, "x-last-error": judgement.reason})
        await self._publisher.publish(onward)
        metrics.retried.labels(message.queue.name).inc()
        log.warning(
            "message_retried",
            queue=message.queue.name,
            message_id=message.message_id,
            attempt=message.attempt,
            seconds=round(judgement.delay.total_seconds(), 1),
            reason=judgement.reason,
        )
        self._record(self._tracked(message, State.RETRYING, reason=judgement.reason))

    async def _park(self, message: Incoming, judgement: Park) -> None:
        queue = message.queue.name
        headers = {
            "x-queue": queue,
            "x-physical": message.physical,
            "x-error-class": judgement.error_class,
            "x-error": judgement.reason,
            "x-stack-hash": judgement.stack_hash,
            "x-attempts": message.attempt,
            "x-dead-at": self._clock().isoformat(timespec="milliseconds"),
            "x-host": socket.gethostname(),
        }
        await self._publisher.publish(message.onward(declare.DEAD, queue, **headers))
        metrics.dead.labels(queue, judgement.error_class).inc()
        log.error("message_parked", queue=queue, message_id=message.message_id, **_logged(judgement))
        self._answer(message, {"state": State.DEAD, "reason": judgement.reason, "error": judgement.error_class})
        self._record(self._tracked(message, State.DEAD, reason=judgement.reason))

    def _tracked(self, message: Incoming, state: State, **facts: Any) -> list[Status]:
        if TRACKED not in message.headers:
            return []
        return [Status(message.message_id, state, queue=message.queue.name, at=self._clock(), **facts)]

    def _record(self, statuses: list[Status]) -> None:
        if statuses:
            self._later(self._board.record(statuses))

    def _answer(self, message: Incoming, body: dict[str, Any]) -> None:
        if message.reply_to:
            answer = Outgoing(
                exchange="",
                key=message.reply_to,
                body=json.dumps(body).encode(),
                correlation_id=message.message_id,
                type="Answer",
            )
            self._later(self._tell(answer))

    async def _tell(self, answer: Outgoing) -> None:
        outcome = (await self._publisher.publish_many([answer]))[0]
        if outcome is not None:  # whoever asked has left; the status board still knows
            log.debug("answer_not_taken", correlation_id=answer.correlation_id, reason=str(outcome))

    def _later(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _logged(judgement: Park) -> dict[str, str]:
    return {"error": judgement.error_class, "reason": judgement.reason, "stack_hash": judgement.stack_hash}
