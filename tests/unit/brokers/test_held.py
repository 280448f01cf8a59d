from datetime import UTC, datetime
from typing import Any, cast

import pytest
from pydantic import TypeAdapter, ValidationError

from brokers.held import LARGEST, Held
from brokers.verdict import Reject
from tests.build.incoming import Ping, arrived

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def read(body: bytes) -> Held:
    held = Held(arrived(NOW, body), cast("Any", None), TypeAdapter(Ping))
    held.read()
    return held


def test_a_body_that_would_take_too_much_memory_is_refused_unread() -> None:
    held = read(b" " * LARGEST + b"{}")
    assert isinstance(held.error, Reject)
    assert "larger than" in str(held.error)


@pytest.mark.parametrize("body", [b"", b"\xff", b"[" * 100_000, b'{"number": 1e999}', b"9" * 10_000, b"\0"])
def test_whatever_a_body_is_it_is_judged_and_never_raises(body: bytes) -> None:
    assert isinstance(read(body).error, ValidationError)
