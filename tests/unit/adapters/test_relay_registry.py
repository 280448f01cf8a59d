"""That every adapter has all that makes a destination of it."""

import importlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from adapters.relay.mapping import built_in
from adapters.relay.port import Adapter
from adapters.relay.registry import ADAPTERS, default_bases
from deploy.sandbox.standin import Standin

#: Where a stand-in is not called as its platform's code begins.
STANDINS: Mapping[str, str] = {
    "generic_http": "generic",
    "google_ads": "google_ads",
    "microsoft_ads": "microsoft",
    "twitter_capi": "x",
}


def adapter(code: str) -> Adapter:
    return ADAPTERS[code](None)  # type: ignore[arg-type]  # nothing is sent


@pytest.mark.parametrize("code", ADAPTERS)
def test_what_it_asks_of_credentials_is_json_schema_of_an_object(code: str) -> None:
    schema = adapter(code).credential_schema
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"


@pytest.mark.parametrize("code", ADAPTERS)
def test_it_has_a_mapping_of_names(code: str) -> None:
    mapping = built_in(code)
    assert set(mapping) <= {"version", "other", "events", "fields"}
    assert mapping["version"] == 1
    assert all(name == name.lower() for name in mapping["events"])
    assert all(isinstance(value, str) and value for value in mapping["events"].values())


@pytest.mark.parametrize("code", ADAPTERS)
def test_its_limits_can_be_kept(code: str) -> None:
    limits = adapter(code).limits
    assert limits.events_a_call >= 1
    assert limits.calls >= 1
    assert limits.concurrency >= 1
    assert limits.period >= timedelta(seconds=1)
    assert timedelta() < limits.horizon
    assert timedelta() < limits.freshness


@pytest.mark.parametrize("code", ADAPTERS)
def test_it_has_a_stand_in(code: str) -> None:
    module = importlib.import_module(f"deploy.sandbox.{STANDINS.get(code, code.split('_', maxsplit=1)[0])}")
    assert any(
        isinstance(each, type) and issubclass(each, Standin) and each is not Standin for each in vars(module).values()
    )
    assert "https://" in str(module.__doc__)


def test_addresses_are_of_the_outside_and_have_no_slash_at_the_end() -> None:
    assert all(base.startswith("https://") and not base.endswith("/") for base in default_bases().values())
    assert set(default_bases()) == set(ADAPTERS) - {"sgtm", "generic_http"}


@pytest.mark.parametrize(
    ("code", "credentials"),
    [
        ("segment", {"write_key": "k"}),
        ("segment", {"write_key": "k", "region": "eu"}),
        ("klaviyo", {"api_key": "k"}),
        ("klaviyo", {"api_key": "k", "revision": "2026-04-15"}),
        ("braze", {"api_key": "k", "app_id": "a"}),
        ("braze", {"api_key": "k", "instance_url": "https://rest.iad-03.braze.com"}),
        ("amplitude", {"api_key": "k"}),
        ("mixpanel", {"token": "t", "api_secret": "s"}),
        ("mixpanel", {"token": "t", "service_account": "a", "service_secret": "s", "project_id": "42"}),
        ("generic_http", {}),
        ("generic_http", {"url": "https://orders.example/hook", "headers": {"X-Key": "k"}, "signing_secret": "s" * 16}),
    ],
)
def test_credentials_that_can_be_used_are_taken(code: str, credentials: dict[str, Any]) -> None:
    assert list(Draft202012Validator(adapter(code).credential_schema).iter_errors(credentials)) == []


@pytest.mark.parametrize(
    ("code", "credentials"),
    [
        ("segment", {}),
        ("segment", {"write_key": ""}),
        ("klaviyo", {"api_key": 7}),
        ("klaviyo", {"api_key": "k", "revision": "latest"}),
        ("braze", {"api_key": "k", "instance_url": "http://rest.iad-03.braze.com"}),
        ("amplitude", {"api_key": "k", "secret": "unknown"}),
        ("amplitude", {"api_key": "k", "region": "moon"}),
        ("mixpanel", {"api_secret": "s"}),
        ("mixpanel", {"token": "t", "service_account": "a"}),
        ("generic_http", {"headers": {"X-Key": "a\r\nb"}}),
        ("generic_http", {"url": "ftp://orders.example"}),
        ("generic_http", {"username": "u"}),
    ],
)
def test_credentials_that_cannot_be_used_are_refused(code: str, credentials: dict[str, Any]) -> None:
    assert list(Draft202012Validator(adapter(code).credential_schema).iter_errors(credentials))
