"""What a call that cannot be made is taken for, and what is kept of one that was."""

from datetime import timedelta

import pytest

from adapters.relay.classify import Answer, outcome_of
from adapters.relay.guard import Guard
from adapters.relay.http import Exchange, Http
from adapters.relay.port import Outcome, Verdict


@pytest.mark.parametrize("token", ["", "secret\n", "sécrèt"])
async def test_a_token_that_no_header_can_carry_is_a_wrong_configuration_and_is_not_told(token: str) -> None:
    http = Http(Guard.allowing(["127.0.0.1"]))
    exchange = await http.post("http://127.0.0.1:9/", b"{}", headers={"authorization": f"Bearer {token}"})
    await http.close()
    outcome = outcome_of(exchange.answer)
    assert outcome.verdict is Verdict.CONFIG
    assert "cr" not in (outcome.reason or "").replace("credentials", "")


def test_a_secret_that_is_answered_is_not_kept() -> None:
    exchange = Exchange(Answer(401, {}, b"token tok-1 is unknown"), timedelta(seconds=1))
    told = exchange.told([Outcome(verdict=Verdict.AUTH, reason="token tok-1")], {"token": "tok-1"}, ["tok-1"])
    assert (told.outcomes[0].reason, told.response) == ("token ***", "token *** is unknown")
    assert told.request == '{"token":"***"}'
