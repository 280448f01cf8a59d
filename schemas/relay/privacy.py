"""What is kept and shown of people: nothing that names them, only what tells that it was there."""

import re
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

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
        "e_mail",
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
        "mail",
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
#: Also as it stands in addresses of pages, where its sign is written %40.
_EMAIL: Final = re.compile(r"[\w.+'%-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE: Final = re.compile(r"\+\d[\d ().-]{7,18}\d")
_PAGE: Final = re.compile(r"https?://", re.IGNORECASE)
_BETWEEN_WORDS: Final = re.compile(r"[^a-z0-9$]+")


def hidden(value: Any, *, is_personal: bool = False) -> Any:
    """Return JSON without what names people; digests stay."""
    if isinstance(value, dict):
        return {name: hidden(part, is_personal=is_personal or _is_personal(str(name))) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [hidden(part, is_personal=is_personal) for part in value]
    if is_personal and value is not None and not isinstance(value, bool):
        return value if isinstance(value, str) and _DIGEST.fullmatch(value) else HIDDEN
    return page_without_people(value) if isinstance(value, str) else value


def pages_without_people(value: Any) -> Any:
    """Return JSON whose addresses of pages name nobody; everything else stays as it is."""
    if isinstance(value, dict):
        return {name: pages_without_people(part) for name, part in value.items()}
    if isinstance(value, list):
        return [pages_without_people(part) for part in value]
    return page_without_people(value) if isinstance(value, str) and _PAGE.match(value) else value


def page_without_people(text: str) -> str:
    """Return a page's address less the parameters that name people, and any other text less e-mail addresses.

    Forms that are sent with GET put them there, and no platform may have them in clear:
    https://developers.facebook.com/docs/marketing-api/conversions-api/best-practices,
    https://support.google.com/analytics/answer/6366371. Campaigns and click ids stay.
    """
    if not _PAGE.match(text):
        return without_addresses(text)
    try:
        scheme, host, path, query, fragment = urlsplit(text)
    except ValueError:
        return without_addresses(text)
    kept = (_parameters(query), _parameters(fragment))
    return urlunsplit((scheme, host.rpartition("@")[2], without_addresses(path), *kept))


def without_addresses(text: str) -> str:
    """Return text without e-mail addresses."""
    return _EMAIL.sub(HIDDEN, text) if "@" in text or "%40" in text else text


def _parameters(query: str) -> str:
    return "&".join(part for part in query.split("&") if not _names_somebody(part))


def _names_somebody(parameter: str) -> bool:
    name, _, value = unquote(parameter).partition("=")
    return _is_personal(name) or _EMAIL.search(unquote(parameter)) is not None or _PHONE.fullmatch(value) is not None


@lru_cache(maxsize=10_000)  # names are few, unless somebody makes them up
def _is_personal(name: str) -> bool:
    """Tell whether a field is about a person by its name, or by how that ends: billing_phone, user[email]."""
    lowered = name.lower()
    words = _BETWEEN_WORDS.sub("_", lowered).strip("_").split("_")
    ends = {"_".join(words[at:]) for at in range(len(words))}
    return lowered in _ABOUT_PEOPLE or not _PERSONAL.isdisjoint(ends)
