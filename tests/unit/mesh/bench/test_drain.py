from itertools import accumulate

import pytest

from mesh.bench.backlog import messages
from mesh.bench.drain import Course, Look, slope, thinned

# Ten transactions of 100 messages, one a second.
COURSE = Course([float(second) for second in range(10)], [100 * number for number in range(10)])


def test_a_rate_runs_from_the_beginning_of_one_transaction_to_that_of_another() -> None:
    assert COURSE.rate(0, 1000) == 100
    assert COURSE.rate(200, 500) == 100


def test_a_slow_beginning_is_not_in_the_rate_of_what_came_later() -> None:
    began = list(accumulate([0.0, 9.0, 1.0, 1.0]))
    assert Course(began, [0, 100, 200, 300]).rate(100, 400) == 100


def test_one_transaction_has_no_rate() -> None:
    assert Course([5.0], [0]).rate(0, 100) == 0


def test_what_was_stored_at_a_moment_is_what_was_committed_before_the_running_transaction() -> None:
    assert [COURSE.stored_at(moment) for moment in (-1, 0, 0.5, 3.2, 99)] == [0, 0, 0, 300, 900]


def looks(*worker_mb: float) -> list[Look]:
    return [Look(float(second), mb, 200.0) for second, mb in enumerate(worker_mb)]


def test_memory_that_fills_once_has_no_slope() -> None:
    assert slope(looks(50, 90, 100, 100, 100, 100, 100, 100, 100, 100), COURSE, 1000) == 0


def test_memory_that_grows_has_its_slope_for_100_000_messages() -> None:
    grows = [100 + 0.5 * second for second in range(10)]  # half a MB every 100 messages
    assert slope(looks(*grows), COURSE, 1000) == pytest.approx(500)


def test_a_plot_gets_few_looks_and_always_the_last() -> None:
    course = list(thinned(looks(*range(10)), COURSE, points=3))
    assert [seconds for seconds, *_ in course] == [0, 3, 6, 9]


def test_every_second_message_tells_of_a_new_sample_from_the_first_to_the_last() -> None:
    bodies = list(messages(6000))
    creators = [body["rows"][0]["platformCreatorId"] for body in bodies]
    assert len(set(creators)) == 3000
    for first in range(0, 6000, 1000):
        before = set(creators[:first])
        assert len(set(creators[first : first + 1000]) - before) == 500


def test_the_second_time_a_sample_is_seen_it_has_changed() -> None:
    stocks: dict[str, set[str]] = {}
    for body in messages(6000):
        (row,) = body["rows"]
        stocks.setdefault(row["platformCreatorId"], set()).add(row["stock"])
    assert sum(len(each) == 2 for each in stocks.values()) == 2000
