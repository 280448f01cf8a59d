from schemas.relay.privacy import hidden, without_addresses

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
