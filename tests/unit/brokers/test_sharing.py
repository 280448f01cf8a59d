from typing import Any

import pytest

from brokers.sharing import surplus


@pytest.mark.parametrize(
    ("busy", "partitions", "processes", "given"),
    [(4, 4, 1, 0), (4, 4, 2, 2), (4, 4, 4, 3), (1, 4, 4, 0), (2, 4, 3, 0), (3, 4, 3, 1), (4, 4, 9, 3), (4, 4, 0, 0)],
)
def test_what_is_more_than_ones_share_is_given_up(busy: int, partitions: int, processes: int, given: int) -> None:
    consumers: list[Any] = list(range(busy))
    found = surplus(consumers, partitions, processes)
    assert len(found) == given
    assert len(set(found)) == given
