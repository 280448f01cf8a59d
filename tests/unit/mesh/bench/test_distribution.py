import pytest

from mesh.bench.distribution import quantile, told


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100)])
def test_a_quantile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert quantile(range(1, 101), share) == value


def test_what_is_told_is_in_milliseconds_whatever_the_order() -> None:
    facts = told([0.004, 0.001, 0.003, 0.002])
    assert (facts["p50_ms"], facts["p99_ms"], facts["most_ms"]) == (2.0, 4.0, 4.0)


def test_a_curve_ends_where_a_percentile_would_be_one_value_alone() -> None:
    assert told([0.001] * 100)["curve"][-1][0] == 0.99
    assert told([0.001] * 10_000)["curve"][-1][0] == 0.9999
