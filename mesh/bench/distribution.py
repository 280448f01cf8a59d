"""What many durations look like together: the quantiles that are told and the curve that is drawn."""

from collections.abc import Sequence
from math import ceil
from typing import Any

#: Where a curve is known, from the middle to the tail; the distance to 1 shrinks evenly on a logarithmic scale.
SHARES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all values do not exceed (the nearest rank).

    `ordered` is sorted and not empty.
    """
    return ordered[min(max(ceil(share * len(ordered)), 1), len(ordered)) - 1]


def told(seconds: Sequence[float]) -> dict[str, Any]:
    """Return the facts of a distribution in milliseconds; `curve` holds pairs of share and milliseconds.

    The curve ends where one value alone would be a quantile.
    """
    ordered = sorted(seconds)
    shares = [share for share in SHARES if round((1 - share) * len(ordered), 3) >= 1]
    return {
        "p50_ms": _ms(quantile(ordered, 0.5)),
        "p99_ms": _ms(quantile(ordered, 0.99)),
        "p99.9_ms": _ms(quantile(ordered, 0.999)),
        "most_ms": _ms(ordered[-1]),
        "curve": [[share, _ms(quantile(ordered, share))] for share in shares],
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
