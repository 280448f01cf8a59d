import pytest

from schemas.relay.privacy import hidden, page_without_people, pages_without_people, without_addresses

DIGEST = "a" * 64


def test_what_names_a_person_is_hidden_wherever_it_is() -> None:
    said = {
        "order_id": "o-1",
        "value": 12.5,
        "email": "Ana@Example.com",
        "user_data": {"em": ["ana@example.com"], "external_id": "u-7", "fbc": None},
        "note": "write to ana@example.com please",
        "items": [{"sku": "s", "Phone": "+1 650 555 1212"}],
    }
    assert hidden(said) == {
        "order_id": "o-1",
        "value": 12.5,
        "email": "***",
        "user_data": {"em": ["***"], "external_id": "***", "fbc": None},
        "note": "write to *** please",
        "items": [{"sku": "s", "Phone": "***"}],
    }


def test_digests_stay_since_they_tell_what_was_compared() -> None:
    assert hidden({"user_data": {"em": [DIGEST]}}) == {"user_data": {"em": [DIGEST]}}


def test_text_loses_addresses_and_keeps_the_rest() -> None:
    assert without_addresses("no such user: o'neil+x@mail.example.org (42)") == "no such user: *** (42)"
    assert without_addresses("no such user: ana%2Bx%40example.com") == "no such user: ***"


def test_what_is_about_a_person_is_told_by_how_its_name_ends() -> None:
    said = {"billing_phone": "1", "shipping[zip]": "2", "Customer-Email": "3", "ship_to_first_name": "4"}
    assert set(hidden(said).values()) == {"***"}
    plain = {"utm_source": "a", "order_status": "b", "zip_file": "c", "phone_model": "d", "emphasis": "e"}
    assert hidden(plain) == plain


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("https://s.example/checkout", "https://s.example/checkout"),
        ("https://s.example/c?utm_source=g&email=a%40b.co&gclid=X-1", "https://s.example/c?utm_source=g&gclid=X-1"),
        ("https://s.example/c?user%5Bphone%5D=1&billing_first_name=Ann&a=%20b", "https://s.example/c?a=%20b"),
        ("https://s.example/c?q=ann%2540b.co&r=x", "https://s.example/c?r=x"),
        ("https://s.example/c?p=+16505551212&q=%2B1%20650%20555%201212", "https://s.example/c"),
        (
            "https://s.example/c?ref=2025020100003333&fbclid=IwAR",
            "https://s.example/c?ref=2025020100003333&fbclid=IwAR",
        ),
        ("https://s.example/ann@b.co/orders#/done", "https://s.example/***/orders#/done"),
        ("https://s.example/#email=ann@b.co&step=2", "https://s.example/#step=2"),
        ("HTTPS://ann:secret@s.example/c", "https://s.example/c"),
        ("https://[s.example/c?email=ann@b.co", "https://[s.example/c?email=***"),
        ("write to ann@b.co", "write to ***"),
    ],
)
def test_the_address_of_a_page_loses_who_was_there_and_keeps_the_campaign(said: str, left: str) -> None:
    assert page_without_people(said) == left
    assert hidden({"page": [said]}) == {"page": [left]}


def test_only_addresses_of_pages_are_cleaned_in_what_is_sent() -> None:
    said = {"user_data": {"email": "ann@b.co"}, "url": "https://s.example/?email=ann@b.co", "list": [1, None, "http:"]}
    assert pages_without_people(said) == said | {"url": "https://s.example/"}
