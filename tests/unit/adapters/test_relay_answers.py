"""Whatever an advertising platform or something before it answers, each event of the call has an outcome."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adapters.relay import google_status, linkedin, microsoft, oauth2, x
from adapters.relay.classify import Answer
from adapters.relay.port import Outcome, Verdict

NAMES = ["elements", "status", "error", "errors", "details", "fieldViolations", "field", "reason", "index", "message"]
NAMES += ["code", "data", "conversions_processed", "eventsReceived", "retryDelay", "access_token", "expires_in"]
plain = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["events[1]", "30s", "1e999s"])
)
trees = st.recursive(
    plain, lambda sub: st.lists(sub, max_size=3) | st.dictionaries(st.sampled_from(NAMES), sub, max_size=5)
)
statuses = st.sampled_from([None, 200, 201, 204, 207, 301, 400, 401, 403, 404, 413, 422, 426, 429, 500, 502, 503, 504])
headers = st.dictionaries(
    st.sampled_from(["retry-after", "x-rate-limit-reset", "x-account-rate-limit-reset"]),
    st.sampled_from(["", "7", "-7", "²", "soon", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"]),
)


JUDGES: list[Callable[[Answer], list[Outcome]]] = [
    lambda answer: linkedin._outcomes(answer, 3),
    lambda answer: microsoft._outcomes(answer, 3),
    lambda answer: [x._outcome(answer, 3)] * 3,
    lambda answer: google_status.outcomes(answer, 3),
]


@pytest.mark.parametrize("judged", JUDGES)
def test_a_page_of_something_else_that_says_200_delivers_nothing(judged: Callable[[Answer], list[Outcome]]) -> None:
    outcomes = judged(Answer(200, {}, b"<html>you are asked to log in</html>"))
    assert [each.verdict for each in outcomes] == [Verdict.UNKNOWN] * 3


@pytest.mark.parametrize("judged", JUDGES)
@given(status=statuses, said=headers, body=trees.map(lambda tree: json.dumps(tree).encode()) | st.binary(max_size=20))
@example(status=200, said={}, body=b'{"elements": [{"status": 422, "error": 1e999}, {"status": 201}, [7]]}')
@settings(max_examples=300, deadline=None)
def test_every_answer_has_a_meaning(
    judged: Callable[[Answer], list[Outcome]], status: int | None, said: dict[str, str], body: bytes
) -> None:
    outcomes = judged(Answer(status, said, body))
    assert len(outcomes) == 3
    if status is None or status >= 300:
        assert Verdict.DELIVERED not in {each.verdict for each in outcomes}


@given(status=statuses, body=trees)
@settings(max_examples=300, deadline=None)
def test_no_answer_of_a_token_endpoint_leaves_an_event_unknown_or_dead(status: int | None, body: Any) -> None:
    said = body if isinstance(body, dict) else {}
    problem = oauth2._problem(Answer(status, {}, json.dumps(body).encode(), is_unknown=True), said)
    assert problem.verdict in {Verdict.AUTH, Verdict.CONFIG, Verdict.TRANSIENT, Verdict.THROTTLED}
    assert oauth2._life(said.get("expires_in")) >= 1
