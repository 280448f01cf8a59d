"""Nobody but TikTok, and nothing but what TikTok said, passes."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers.gateway.errors import Refusal
from publishers.gateway.signature import sign, verify
from tests.build.tiktok import SECRET, SIGNED, SIGNED_AT, VECTOR

TOLERANCE = timedelta(seconds=300)
AT = datetime.fromtimestamp(SIGNED_AT, UTC)
DIGEST = SIGNED.partition(",s=")[2]


def signed_at(
    header: str | bytes | None = SIGNED,
    body: bytes = VECTOR,
    secrets: tuple[bytes, ...] = (SECRET,),
    now: datetime = AT,
) -> datetime:
    header = header.encode() if isinstance(header, str) else header
    return verify(header, body, secrets, now=now, tolerance=TOLERANCE)


def is_refused(*arguments: object, **named: object) -> bool:
    try:
        signed_at(*arguments, **named)  # type: ignore[arg-type]
    except Refusal as refusal:
        return refusal.status == 401
    return False


def test_what_tiktok_signed_passes() -> None:
    assert len(VECTOR) == 491
    assert signed_at() == AT
    assert sign(VECTOR, SECRET, SIGNED_AT) == SIGNED


@pytest.mark.parametrize(
    "header",
    [
        f"s={DIGEST},t={SIGNED_AT}",
        f" t = {SIGNED_AT} , s = {DIGEST} ",
        f"v=1,t={SIGNED_AT},s={DIGEST},x",
        f"t={SIGNED_AT},s={'0' * 64},s={DIGEST}",
        f"t={SIGNED_AT},s=short,s={DIGEST}",
        f"t={SIGNED_AT},s={DIGEST.upper()}",
        f"{SIGNED}, {SIGNED}",
    ],
)
def test_parts_are_known_by_name_in_any_order(header: str) -> None:
    assert signed_at(header) == AT


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,s=",
        DIGEST,
        f"s={DIGEST}",
        f"t={SIGNED_AT}",
        f"t={SIGNED_AT},s={DIGEST[:-1]}",
        f"t={SIGNED_AT},s={DIGEST[:-1]}é",
        f"t={SIGNED_AT},s=sha256={DIGEST}",
        f"t=+{SIGNED_AT},s={DIGEST}",
        f"t={SIGNED_AT}.0,s={DIGEST}",
        f"t={SIGNED_AT - 1},s={DIGEST}",
        f"t={SIGNED_AT},t={SIGNED_AT + 1},s={DIGEST}",
        f"t=99999999999,s={DIGEST}",
        f"T={SIGNED_AT},S={DIGEST}",
    ],
)
def test_what_is_no_signature_is_refused(header: str | None) -> None:
    assert is_refused(header)


@pytest.mark.parametrize(("seconds", "passes"), [(299, True), (300, True), (301, False)])
@pytest.mark.parametrize("sign_of", [1, -1])
def test_a_signature_is_good_for_five_minutes_either_way(seconds: int, sign_of: int, passes: bool) -> None:
    assert is_refused(now=AT + timedelta(seconds=seconds * sign_of)) is not passes


def test_while_a_secret_is_replaced_both_are_good() -> None:
    assert signed_at(secrets=(b"the-one-that-comes-next", SECRET)) == AT
    assert is_refused(secrets=(b"the-one-that-comes-next",))
    assert is_refused(secrets=())


@given(st.data())
def test_a_changed_byte_is_another_message(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(VECTOR) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != VECTOR[at]))
    assert is_refused(body=VECTOR[:at] + bytes([byte]) + VECTOR[at + 1 :])


@given(st.integers(0, len(SIGNED) - 1), st.integers(33, 126))
def test_a_changed_signature_is_none(at: int, character: int) -> None:
    changed = SIGNED[:at] + chr(character) + SIGNED[at + 1 :]
    assert changed.lower() == SIGNED.lower() or is_refused(changed)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_nothing_that_was_made_up_passes(header: bytes, body: bytes) -> None:
    assert is_refused(header, body)


@given(st.binary(max_size=2000), st.binary(min_size=16, max_size=64))
def test_any_bytes_can_be_signed(body: bytes, secret: bytes) -> None:
    assert signed_at(sign(body, secret, SIGNED_AT), body, (secret,)) == AT
