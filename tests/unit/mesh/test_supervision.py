from itertools import count

import pytest

from mesh.supervision import CRASH_LOOP, GaveUp, keep_up


class Dying:
    """Ends as soon as it is started, until it has been started `starts` times; `waits` are the pauses between."""

    def __init__(self, *, lives: int = 100) -> None:
        self.starts = 0
        self.waits: list[float] = []
        self._lives = lives

    async def ended(self) -> int:
        if self.starts == self._lives:
            raise EOFError
        return 3

    async def start(self) -> None:
        self.starts += 1

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


async def test_what_keeps_dying_is_given_up_with_its_last_words() -> None:
    dying = Dying()
    with pytest.raises(GaveUp) as caught:
        await keep_up("worker", dying.ended, dying.start, lambda: "no such table", sleep=dying.sleep)
    assert str(caught.value) == "worker ended 5 times within a minute, last with 3.\nno such table"
    assert dying.starts == CRASH_LOOP - 1


async def test_each_restart_waits_longer() -> None:
    dying = Dying()
    with pytest.raises(GaveUp):
        await keep_up("worker", dying.ended, dying.start, str, sleep=dying.sleep)
    assert dying.waits == [1, 2, 4, 8]


async def test_deaths_far_apart_are_no_crash_loop() -> None:
    dying = Dying(lives=20)
    minutes = count(step=61)
    with pytest.raises(EOFError):
        await keep_up("worker", dying.ended, dying.start, str, clock=lambda: next(minutes), sleep=dying.sleep)
    assert dying.waits == [1] * 20
