"""Personal data as advertising platforms match it: normalised, then SHA-256 in lower-case hex.

What is hashed already passes through. Sources: Meta, https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters;
Google, https://developers.google.com/google-ads/api/docs/conversions/enhanced-conversions/web.
"""

import re
import unicodedata
from hashlib import sha256
from typing import Any

import phonenumbers

_HASHED = re.compile(r"[0-9a-fA-F]{64}")
_NOT_LETTERS = re.compile(r"[^\w]|_")


def hashed(text: str) -> str:
    """Return the digest of a text that is normalised already."""
    return sha256(text.encode()).hexdigest()


def is_hashed(value: str) -> bool:
    """Tell whether a value is a SHA-256 digest in hex already."""
    return _HASHED.fullmatch(value) is not None


def _text(value: Any) -> str:
    return unicodedata.normalize("NFC", str(value)).strip() if value is not None and not isinstance(value, bool) else ""


def _or_digest(value: Any, normal: str) -> str | None:
    text = _text(value)
    if is_hashed(text):
        return text.lower()
    return hashed(normal) if normal else None


def email(value: Any) -> str | None:
    """Return the digest of an address, trimmed and in lower case; None where it is none."""
    text = _text(value).lower()
    if is_hashed(text):
        return text
    return hashed(text) if "@" in text else None


def e164(value: Any, country: Any = None) -> str | None:
    """Return a telephone number as E.164 (+16505551212); `country` (ISO 3166-1) is for numbers that lack their code."""
    text = _text(value)
    region = _text(country).upper() or None
    for candidate in (text, f"+{text.lstrip('+0')}" if region is None else text):
        try:
            number = phonenumbers.parse(candidate, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return None


def phone(value: Any, country: Any = None, *, plus: bool = False) -> str | None:
    """Return the digest of a number in E.164: digits alone as Meta and Snapchat want, or with its plus."""
    text = _text(value)
    if is_hashed(text):
        return text.lower()
    number = e164(value, country)
    return hashed(number if plus else number.removeprefix("+")) if number else None


def name(value: Any) -> str | None:
    """Return the digest of a first or last name: lower case, no punctuation, no spaces at the ends."""
    return _or_digest(value, re.sub(r"[^\w\s]|_", "", _text(value).lower()).strip())


def city(value: Any) -> str | None:
    """Return the digest of a city: lower case letters, no spaces, no punctuation."""
    return _or_digest(value, _NOT_LETTERS.sub("", _text(value).lower()))


def state(value: Any) -> str | None:
    """Return the digest of a state's or province's code: lower case letters and digits."""
    return _or_digest(value, _NOT_LETTERS.sub("", _text(value).lower()))


def postcode(value: Any, country: Any = None) -> str | None:
    """Return the digest of a postcode: lower case, no spaces or dashes; of the United States its first five digits."""
    normal = _NOT_LETTERS.sub("", _text(value).lower())
    is_us = (_text(country) or "us").lower() == "us" and normal.isdigit()
    return _or_digest(value, normal[:5] if is_us else normal)


def country_code(value: Any) -> str | None:
    """Return the digest of an ISO 3166-1 alpha-2 code in lower case; None where it is none."""
    text = _text(value).lower()
    if is_hashed(text):
        return text
    return hashed(text) if len(text) == 2 and text.isalpha() else None  # noqa: PLR2004 -- alpha-2


def plain(value: Any) -> str | None:
    """Return the digest of an identifier that is only trimmed, such as an external id."""
    return _or_digest(value, _text(value))
