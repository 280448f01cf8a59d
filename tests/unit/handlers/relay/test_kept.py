"""What is kept of a call names nobody, whatever the platform was told and repeats."""

from datetime import timedelta

from adapters.relay.port import Outcome, Told, Verdict
from handlers.relay.outcomes import finished, pause_of, settled
from handlers.relay.sending import Sending
from schemas.relay.records import ClaimedDelivery, DestinationKind
from tests.build.records import NOON
from tests.build.relay import attempt, delivery, event

SAID = "400: no such user ana@example.com"


def refused(verdict: Verdict = Verdict.PERMANENT) -> Sending:
    claimed = ClaimedDelivery(delivery=delivery(1, 1), event=event())
    rendered = {"event": "purchase", "email": "ana@example.com", "hash": "a" * 64, "user": {"phone": "+16505551212"}}
    outcome = Outcome(verdict=verdict, reason=SAID)
    told = Told(outcomes=[outcome], status=400, request="", response=SAID, duration=timedelta(seconds=1))
    return Sending(claimed, rendered=rendered, outcome=outcome, told=told)


def test_an_attempt_keeps_what_was_said_without_whom() -> None:
    begun = attempt(delivery(1, 1, id=1, attempts=1), destination_type=DestinationKind.DIRECT)
    kept = finished(begun, refused())
    assert kept.request == ('{"event":"purchase","email":"***","hash":"' + "a" * 64 + '","user":{"phone":"***"}}')
    assert (kept.response_body, kept.error_message) == ("400: no such user ***", "400: no such user ***")


def test_a_delivery_and_a_pause_give_reasons_that_name_nobody() -> None:
    for verdict in Verdict:
        sending = refused(verdict)
        assert "@" not in (settled(sending, NOON).reason or "")
        pause = pause_of([sending], 9, NOON)
        assert pause is None or "@" not in pause.reason
