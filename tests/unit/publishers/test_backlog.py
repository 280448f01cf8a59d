from datetime import timedelta

from brokers import metrics
from publishers.backlog import tell, tell_of_customers
from schemas.relay.selection import Backlog
from schemas.replies.accounts import AccountState
from schemas.replies.records import ReplyState
from tests.build.records import NOON


def shown(gauge: object, label: str = "platform") -> dict[str, float]:
    (family,) = gauge.collect()  # type: ignore[attr-defined]
    return {sample.labels.get(label, ""): sample.value for sample in family.samples}


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


def test_how_many_customers_wait_and_how_accounts_stand_is_shown_and_goes_back_to_nothing() -> None:
    tell_of_customers((3, timedelta(seconds=9)), {ReplyState.UNCERTAIN: 2}, {AccountState.BROKEN: 1})
    assert (shown(metrics.replies_waiting), shown(metrics.replies_lag)) == ({"": 3}, {"": 9})
    assert shown(metrics.replies_open, "state") == {"pending": 0, "sending": 0, "uncertain": 2}
    assert shown(metrics.replies_accounts, "state") == {"connected": 0, "ending": 0, "paused": 0, "broken": 1}
    tell_of_customers((0, timedelta()), {}, {})
    assert shown(metrics.replies_accounts, "state")["broken"] == 0
    assert shown(metrics.replies_open, "state")["uncertain"] == 0
