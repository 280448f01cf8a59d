"""Whatever TikTok answers has a meaning, and none that could make a customer hear something twice."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.relay.classify import Answer
from adapters.replies.port import Grant, Kind, Outcome
from adapters.replies.tiktok import TikTokMessages as Adapter
from adapters.replies.tiktok import meaning_of
from deploy.sandbox.tiktok_messages import APP, BUSINESS, REFRESH, SECRET, TikTokMessages
from tests.build.sandbox import local_http, standing_in

CONVERSATION = "cv+Q2x1=="


def answered(status: int | None, body: Any = b"", **values: Any) -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else orjson.dumps(body), **values)


def said(code: Any, **data: Any) -> dict[str, Any]:
    return {"code": code, "message": "as it says", "request_id": "rq-1", "data": data}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (answered(200, said(0, message={"message_id": "mid-5002"})), Kind.SENT),
        (answered(200, said("0", message={"message_id": 7})), Kind.SENT),
        (answered(200, said(0)), Kind.UNCERTAIN),
        (answered(200, said(0, message={"message_id": ""})), Kind.UNCERTAIN),
        (answered(200, said(0, message=[])), Kind.UNCERTAIN),
        (answered(200, b'{"code":0,"mess'), Kind.UNCERTAIN),
        (answered(200, b"<html>"), Kind.UNCERTAIN),
        (answered(200, b"[]"), Kind.UNCERTAIN),
        (answered(200, said(True)), Kind.UNCERTAIN),
        (answered(200, said("many")), Kind.UNCERTAIN),
        (answered(200, said(40100)), Kind.NOT_SENT),
        (answered(429), Kind.NOT_SENT),
        (answered(200, said(51065)), Kind.NOT_SENT),
        (answered(500, said(51065)), Kind.NOT_SENT),
        (answered(502, b"<html>"), Kind.UNCERTAIN),
        (answered(500, said(0, message={"message_id": "mid-1"})), Kind.UNCERTAIN),
        (answered(200, said(50000)), Kind.UNCERTAIN),
        (answered(503), Kind.UNCERTAIN),
        (answered(408), Kind.UNCERTAIN),
        (answered(None, problem="ConnectError: refused"), Kind.NOT_SENT),
        (answered(None, problem="no answer (ReadTimeout)", is_unknown=True), Kind.UNCERTAIN),
        (answered(None, problem="the address is refused", is_ours=True), Kind.NOT_SENT),
        (answered(200, said(40105)), Kind.TOKEN),
        (answered(401), Kind.TOKEN),
        (answered(200, said(40001)), Kind.PERMISSION),
        (answered(403), Kind.PERMISSION),
        (answered(200, said(40002)), Kind.REFUSED),
        (answered(400, said(40007)), Kind.REFUSED),
        (answered(200, said(40908)), Kind.REFUSED),
        (answered(404), Kind.REFUSED),
        (answered(200, said(40064)), Kind.BLOCKED),
        (answered(301), Kind.NOT_SENT),
    ],
)
def test_every_answer_has_its_meaning(answer: Answer, kind: Kind) -> None:
    assert meaning_of(answer).kind is kind


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["code", "data", "message", "message_id", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.none() | st.integers(100, 599), st.binary(max_size=40) | _JSON.map(orjson.dumps), st.booleans())
def test_no_answer_is_without_meaning_and_sent_has_a_number(status: int | None, body: bytes, is_unknown: bool) -> None:
    problem = "no answer" if status is None else None
    outcome = meaning_of(answered(status, body, problem=problem, is_unknown=is_unknown))
    assert (outcome.kind is Kind.SENT) == bool(outcome.message_id)


def test_no_token_is_told_in_a_reason() -> None:
    echoing = answered(400, said(40002) | {"message": "token at-secret is wrong"})
    assert "at-secret" not in (meaning_of(echoing, secrets=("at-secret",)).reason or "")


def test_retry_after_is_handed_on() -> None:
    answer = Answer(429, {"retry-after": "7"}, b"")
    assert meaning_of(answer).after == timedelta(seconds=7)


async def test_a_conversation_with_a_plus_in_its_name_is_read_and_written() -> None:
    tiktok = TikTokMessages()
    tiktok.customer_wrote(CONVERSATION)
    async with standing_in(tiktok) as base, local_http() as http:
        adapter = Adapter(http, f"{base}/open_api/v1.3/", client_key=APP, client_secret=SECRET)
        sent = await adapter.send(tiktok.token, BUSINESS, CONVERSATION, "niaje")
        assert sent == Outcome(kind=Kind.SENT, message_id="mid-1", code="0")
        found = await adapter.recent(tiktok.token, BUSINESS, CONVERSATION)
        assert isinstance(found, list)
        assert [(each.message_id, each.text) for each in found] == [("mid-1", "niaje")]
        unknown = await adapter.recent(tiktok.token, BUSINESS, "cv Q2x1==")
        assert isinstance(unknown, Outcome)
        granted = await adapter.refresh(REFRESH)
        assert isinstance(granted, Grant)
        assert (granted.business_id, granted.access_life, granted.refresh_token) == (
            BUSINESS,
            timedelta(days=1),
            tiktok.refresh_token,
        )
        again = await adapter.refresh(REFRESH)
        assert isinstance(again, Outcome)
        assert again.kind is Kind.REFUSED
        assert isinstance(await adapter.connect("code-1", "https://shop.example/back"), Grant)


async def test_the_stand_in_keeps_windows_and_quotas_of_its_own() -> None:
    now = [1_000_000.0]
    tiktok = TikTokMessages(clock=lambda: now[0])
    tiktok.customer_wrote(CONVERSATION)
    async with standing_in(tiktok) as base, local_http() as http:
        adapter = Adapter(http, f"{base}/open_api/v1.3", client_key=APP, client_secret=SECRET)

        async def kind() -> Kind:
            return (await adapter.send(tiktok.token, BUSINESS, CONVERSATION, "niaje")).kind

        assert [await kind() for _ in range(11)] == [Kind.SENT] * 10 + [Kind.BLOCKED]
        tiktok.customer_wrote(CONVERSATION)
        now[0] += 48 * 3600 + 1
        assert await kind() is Kind.BLOCKED
        tiktok.customer_wrote(CONVERSATION)
        assert await kind() is Kind.SENT
