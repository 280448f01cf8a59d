"""What is kept and shown of people: nothing that names them, only what tells that it was there."""

import re
from typing import Any, Final

HIDDEN: Final = "***"

#: Fields that name, reach or place a person, as producers and platforms spell them.
_PERSONAL: Final = frozenset(
    {
        "$city",
        "$email",
        "$first_name",
        "$last_name",
        "$phone_number",
        "address",
        "address1",
        "address2",
        "birthdate",
        "birthday",
        "city",
        "client_ip_address",
        "client_user_agent",
        "ct",
        "date_of_birth",
        "db",
        "dob",
        "em",
        "email",
        "email_address",
        "emails",
        "first_name",
        "firstname",
        "fn",
        "full_name",
        "ip",
        "ip_address",
        "last_name",
        "lastname",
        "ln",
        "mobile",
        "name_first",
        "name_last",
        "ph",
        "phone",
        "phone_number",
        "phonenumber",
        "phones",
        "postal_code",
        "postcode",
        "remote_addr",
        "st",
        "state",
        "street",
        "street_address",
        "user_agent",
        "useragent",
        "zip",
        "zip_code",
        "zipcode",
        "zp",
    }
)
#: Everything below these is about a person.
_ABOUT_PEOPLE: Final = frozenset({"user_data", "userdata", "customer", "billing_address", "shipping_address"})
#: SHA-256 in hex: says nothing by itself, and tells what was compared.
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_EMAIL: Final = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")


def hidden(value: Any, *, is_personal: bool = False) -> Any:
    """Return JSON without what names people; digests stay."""
    if isinstance(value, dict):
        return {name: hidden(part, is_personal=is_personal or _is_personal(name)) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(part, is_personal=is_personal) for part in value]
    if is_personal and value is not None and not isinstance(value, bool):
        return value if isinstance(value, str) and _DIGEST.fullmatch(value) else HIDDEN
    return without_addresses(value) if isinstance(value, str) and "@" in value else value


def without_addresses(text: str) -> str:
    """Return text without e-mail addresses."""
    return _EMAIL.sub(HIDDEN, text) if "@" in text else text


def _is_personal(name: Any) -> bool:
    lowered = str(name).lower()
    return lowered in _PERSONAL or lowered in _ABOUT_PEOPLE
