from datetime import timedelta

from brokers import metrics
from publishers.backlog import tell
from schemas.relay.selection import Backlog
from tests.build.records import NOON


def shown(gauge: object) -> dict[str, float]:
    (family,) = gauge.collect()  # type: ignore[attr-defined]
    return {sample.labels["platform"]: sample.value for sample in family.samples}


def test_what_waits_is_added_up_by_platform_and_the_longest_wait_counts() -> None:
    for_good = NOON.replace(year=9999)
    soon = NOON + timedelta(minutes=5)
    tell(
        [
            Backlog(platform_code="ga4", paused_until=None, waiting=3, due_since=NOON - timedelta(seconds=7)),
            Backlog(platform_code="ga4", paused_until=soon, waiting=2, due_since=None),
            Backlog(platform_code="meta_capi", paused_until=for_good, waiting=9, due_since=None),
        ],
        NOON,
    )
    assert shown(metrics.relay_waiting) == {"ga4": 5, "meta_capi": 9}
    assert shown(metrics.relay_lag) == {"ga4": 7, "meta_capi": 0}
    assert shown(metrics.relay_paused) == {"ga4": 0, "meta_capi": 1}


def test_a_platform_without_destinations_is_shown_no_more() -> None:
    tell([], NOON)
    assert shown(metrics.relay_waiting) == {}
