"""What is kept of a call."""

from datetime import timedelta

from adapters.relay.classify import Answer
from adapters.relay.http import Exchange
from adapters.relay.port import Outcome, Verdict


def test_a_secret_that_is_answered_is_not_kept() -> None:
    exchange = Exchange(Answer(401, {}, b"token tok-1 is unknown"), timedelta(seconds=1))
    told = exchange.told([Outcome(verdict=Verdict.AUTH, reason="token tok-1")], {"token": "tok-1"}, ["tok-1"])
    assert (told.outcomes[0].reason, told.response) == ("token ***", "token *** is unknown")
    assert told.request == '{"token":"***"}'
