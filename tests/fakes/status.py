"""A status board in memory."""

from collections.abc import Sequence

from brokers.status import State, Status
from brokers.verdict import Unavailable


class FakeStatusBoard:
    """Keeps statuses for ever; `is_away` makes it fail as the real one does."""

    def __init__(self) -> None:
        self.kept: dict[str, Status] = {}
        self.is_away = False

    async def record(self, statuses: Sequence[Status]) -> None:
        if self.is_away:
            return
        for status in statuses:
            was = self.kept.get(status.message_id)
            if was is None or (was.state != State.DONE and status.state.rank >= was.state.rank):
                self.kept[status.message_id] = status

    async def read(self, message_id: str) -> Status | None:
        if self.is_away:
            raise Unavailable("the status board is away")
        return self.kept.get(message_id)

    async def probe(self) -> None:
        if self.is_away:
            raise Unavailable("the status board is away")
