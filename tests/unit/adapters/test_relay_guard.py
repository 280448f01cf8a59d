"""Nobody configures a way into our own network."""

import pytest

from adapters.relay.guard import Forbidden, Guard

INNER = [
    "https://127.0.0.1/x",
    "https://10.0.0.1/",
    "https://192.168.1.1",
    "https://172.16.0.9",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://0.0.0.0/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://localhost/",
    "https://db.internal/",
    "http://example.com/",
    "https://example.com:22/",
    "https://user:pass@example.com/",
    "ftp://example.com/",
    "https:///x",
    "",
]


@pytest.mark.parametrize("url", INNER)
def test_an_inner_or_odd_address_is_refused_when_it_is_configured(url: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Guard().check_url(url)


@pytest.mark.parametrize("url", ["https://sgtm.shop.example", "https://8.8.8.8/", "https://graph.facebook.com:443/v1"])
def test_a_public_address_is_accepted(url: str) -> None:
    Guard().check_url(url)


async def test_a_name_that_leads_inside_is_refused_when_it_is_connected_to() -> None:
    with pytest.raises(Forbidden, match="not a public address"):
        await Guard().pinned("localhost", 443)


async def test_what_an_operator_has_allowed_is_connected_to() -> None:
    assert await Guard.allowing(["localhost"]).pinned("localhost", 80) in {"127.0.0.1", "::1"}
    by_range = Guard.allowing(["127.0.0.0/8", "::1"])
    by_range.check_url("http://127.0.0.1:8080/mp/collect")
    assert await by_range.pinned("127.0.0.1", 8080) == "127.0.0.1"
