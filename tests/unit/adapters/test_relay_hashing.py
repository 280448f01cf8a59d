"""Known answers: what platforms publish as the digest of what."""

from hashlib import sha256

import pytest

from adapters.relay import hashing


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("found", "normal"),
    [
        (hashing.email("  John_Smith@GMAIL.com "), "john_smith@gmail.com"),
        (hashing.phone("(650) 555-1212", "US"), "16505551212"),
        (hashing.phone("+1 650 555 1212"), "16505551212"),
        (hashing.phone("(650) 555-1212", "us", plus=True), "+16505551212"),
        (hashing.phone("55 1234 5678", "MX"), "525512345678"),
        (hashing.phone("+1 650 555 1212", 1), "16505551212"),
        (hashing.postcode("94035-1234", 840), "940351234"),
        (hashing.name(" Mary-Ann "), "maryann"),
        (hashing.name("정"), "정"),
        (hashing.name("Valéry"), "valéry"),
        (hashing.city("New York"), "newyork"),
        (hashing.state("CA"), "ca"),
        (hashing.postcode("94035-1234", "US"), "94035"),
        (hashing.postcode("M1 1AE", "GB"), "m11ae"),
        (hashing.country_code("US"), "us"),
        (hashing.plain(" user-1 "), "user-1"),
    ],
)
def test_personal_data_is_normalised_before_it_is_hashed(found: str | None, normal: str) -> None:
    assert found == digest(normal)


@pytest.mark.parametrize("function", [hashing.email, hashing.phone, hashing.name, hashing.city, hashing.plain])
def test_what_is_hashed_already_passes_through(function: object) -> None:
    assert function(digest("x").upper()) == digest("x")  # type: ignore[operator]


@pytest.mark.parametrize("nothing", [None, "", "  ", True])
def test_nothing_has_no_digest(nothing: object) -> None:
    for function in (hashing.email, hashing.phone, hashing.name, hashing.city, hashing.postcode, hashing.plain):
        assert function(nothing) is None


@pytest.mark.parametrize("odd", [{"a": 1}, ["x"], 6505551212, "🙂", "not a phone"])
def test_odd_values_never_raise(odd: object) -> None:
    for function in (hashing.email, hashing.phone, hashing.name, hashing.city, hashing.postcode, hashing.plain):
        function(odd)
