from itertools import islice, pairwise

import pytest

from mesh.bench.pace import arrivals


def test_the_same_seed_gives_the_same_moments() -> None:
    assert list(islice(arrivals(500, seed=1), 50)) == list(islice(arrivals(500, seed=1), 50))
    assert list(islice(arrivals(500, seed=1), 50)) != list(islice(arrivals(500, seed=2), 50))


def test_moments_come_at_the_wanted_rate_and_unevenly() -> None:
    moments = list(islice(arrivals(500, seed=7), 20_000))
    gaps = [after - before for before, after in pairwise(moments)]
    assert moments[-1] == pytest.approx(20_000 / 500, rel=0.05)
    assert min(gaps) < 0.1 / 500
    assert max(gaps) > 5 / 500
