import asyncio
from itertools import pairwise

import pytest

from brokers.attempt import Attempt, Halted
from brokers.breaker import Breaker
from brokers.verdict import Conflict, Retryable, Unavailable


class Dependency:
    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.probes = 0

    async def probe(self) -> None:
        self.probes += 1
        if self.failures > 0:
            self.failures -= 1
            raise Unavailable("still away")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brokers.breaker.SHORTEST", 0.001)
    monkeypatch.setattr("brokers.breaker.LONGEST", 0.002)


async def test_it_closes_when_the_probe_passes() -> None:
    dependency = Dependency(failures=3)
    breaker = Breaker("q", dependency.probe)
    breaker.open("gone")
    assert breaker.is_open
    await breaker.closed()
    assert not breaker.is_open
    assert dependency.probes == 4


async def test_a_probe_that_fails_in_its_own_way_does_not_end_all_probing() -> None:
    failures = iter([RuntimeError("nobody foresaw this")])

    async def probe() -> None:
        for failure in failures:
            raise failure

    breaker = Breaker("q", probe)
    breaker.open("gone")
    async with asyncio.timeout(5):
        await breaker.closed()


async def test_opening_twice_probes_once() -> None:
    dependency = Dependency(failures=1)
    breaker = Breaker("q", dependency.probe)
    breaker.open("gone")
    breaker.open("gone again")
    await breaker.closed()
    assert dependency.probes == 2


async def test_the_pause_doubles_while_work_fails_although_the_probe_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brokers.breaker.LONGEST", 60.0)
    breaker = Breaker("q", Dependency(failures=0).probe)
    pauses = []
    for _ in range(4):
        pauses.append(breaker._pause)
        breaker.open("gone")
        await breaker.closed()
    assert [round(after / before) for before, after in pairwise(pauses)] == [2, 2, 2]


async def test_an_attempt_waits_out_an_outage_and_then_succeeds() -> None:
    answers = iter([Unavailable("away"), Unavailable("away"), None])

    async def handler(argument: str) -> str:
        if error := next(answers):
            raise error
        return argument.upper()

    attempt = Attempt("q", handler, Breaker("q", Dependency(failures=2).probe), asyncio.Event())
    assert await attempt("done", [{}]) == "DONE"


async def test_an_attempt_that_loses_every_race_goes_down_the_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brokers.attempt.CONFLICT_PAUSE", 0.0)
    calls = 0

    async def handler(_: object) -> None:
        nonlocal calls
        calls += 1
        raise Conflict("deadlock")

    attempt = Attempt("q", handler, Breaker("q", Dependency(0).probe), asyncio.Event())
    with pytest.raises(Retryable, match="10 races"):
        await attempt(None, [{}])
    assert calls == 10


async def test_while_stopping_an_outage_halts_instead_of_waiting() -> None:
    async def handler(_: object) -> None:
        raise Unavailable("away")

    stopping = asyncio.Event()
    stopping.set()
    breaker = Breaker("q", Dependency(failures=10**6).probe)
    with pytest.raises(Halted):
        await Attempt("q", handler, breaker, stopping)(None, [{}])
    await breaker.stop()
