"""A stand-in of LinkedIn's Conversions API.

Rules: https://learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/conversions-api-schema (fields),
…/conversions-api (headers, 5,000 events a batch), https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/error-handling
(how errors look); in a batch each event has a status of its own.
Base URL: `http://HOST:PORT/rest`. Any conversion rule of digits exists; the token is `sandbox-token`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any, ClassVar

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, is_digest, serve

_BATCH = 5000
_OLDEST = timedelta(days=90)
_LATEST = timedelta(minutes=1)  # clocks differ a little
_LONGEST_ID = 64
_RULE = re.compile(r"urn:lla:llaPartnerConversion:[0-9]+")
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_VERSION = re.compile(r"20[0-9]{4}")
#: Versions before this one are gone.
_OLDEST_VERSION = "202512"
_KINDS = frozenset(
    {"ACXIOM_ID", "GOOGLE_AID", "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "PLAINTEXT_IP_ADDRESS", "SHA256_EMAIL"}
)


class LinkedIn(Standin):
    """A batch is answered 200, with a status for each of its events."""

    name = "linkedin"
    endpoints: ClassVar[Mapping[str, str]] = {"/rest/conversionEvents": "take_events"}

    async def take_events(self, call: Call) -> Response:
        """Take a batch of conversion events."""
        try:
            body = call.json()
        except ValueError:
            return _error(400, "ILLEGAL_ARGUMENT", "Unable to parse the request body")
        elements: Any = body.get("elements") if isinstance(body, dict) else None
        refusal = self._refusal(call) or _refusal_of(elements)
        return refusal or answer(200, {"elements": [self._taken(each) for each in elements]})

    def _refusal(self, call: Call) -> Response | None:
        if not self.knows(call.bearer):
            return _error(401, "INVALID_ACCESS_TOKEN", "Invalid access token", 65600)
        version = call.headers.get("linkedin-version", "")
        if not version:
            return _error(400, "VERSION_MISSING", "A version must be present. Please specify a version")
        if not _VERSION.fullmatch(version) or version < _OLDEST_VERSION:
            return _error(426, "NONEXISTENT_VERSION", f"Requested version {version} is not active")
        if call.headers.get("x-restli-protocol-version") != "2.0.0":
            return _error(400, "ILLEGAL_ARGUMENT", "X-Restli-Protocol-Version must be 2.0.0")
        if call.headers.get("x-restli-method", "").upper() != "BATCH_CREATE":
            return _error(400, "ILLEGAL_ARGUMENT", "several elements need X-RestLi-Method: BATCH_CREATE")
        return None

    def _taken(self, element: Any) -> dict[str, Any]:
        if problem := self._problem(element):
            said = {"message": f"ERROR :: {problem}", "serviceErrorCode": 100, "status": 422}
            return {"status": 422, "error": said}
        self.take(element["eventId"], element)
        return {"status": 201}

    def _problem(self, element: Any) -> str | None:
        if not isinstance(element, dict):
            return "/ :: is not an object"
        if not _RULE.fullmatch(str(element.get("conversion"))):
            return "/conversion :: must be the URN of a conversion rule"
        if not isinstance(element.get("eventId"), str) or len(element["eventId"]) > _LONGEST_ID:
            return f"/eventId :: length must be at most {_LONGEST_ID}"
        return (
            self._problem_of_time(element.get("conversionHappenedAt"))
            or _problem_of_user(element.get("user"))
            or _problem_of_value(element.get("conversionValue"))
        )

    def _problem_of_time(self, at: Any) -> str | None:
        age = self.clock() - at / 1000 if isinstance(at, int) else None
        if age is None or age < -_LATEST.total_seconds():
            return "/conversionHappenedAt :: must be in milliseconds and not in the future"
        return "/conversionHappenedAt :: is more than 90 days ago" if age > _OLDEST.total_seconds() else None

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as LinkedIn does above a limit."""
        said = "Resource level throttle APPLICATION limit for calls to this resource is reached"
        response = _error(429, "TOO_MANY_REQUESTS", said, 101)
        response.headers["retry-after"] = str(retry_after_s)
        return response

    def broken(self) -> Response:
        """Answer as LinkedIn does when it fails."""
        return _error(500, "INTERNAL_SERVER_ERROR", "Internal server error", 0)


def _refusal_of(elements: Any) -> Response | None:
    if not isinstance(elements, list):
        return _error(400, "ILLEGAL_ARGUMENT", "ERROR :: /elements :: field is required but not found")
    if len(elements) > _BATCH:
        return _error(400, "ILLEGAL_ARGUMENT", f"a batch has at most {_BATCH} elements")
    return None


def _problem_of_user(user: Any) -> str | None:
    ids = user.get("userIds") if isinstance(user, dict) else None
    if not isinstance(ids, list) or not all(isinstance(each, dict) for each in ids):
        return "/user/userIds :: field is required but not found and has no default value"
    info = user.get("userInfo") or {}
    if not ids and not (info.get("firstName") and info.get("lastName")):
        return "/user :: needs a userId, or userInfo with both names"
    for each in ids:
        if each.get("idType") not in _KINDS or not each.get("idValue"):
            return f"/user/userIds/idType :: {each.get('idType')!r} is not an enum symbol"
        if each["idType"] == "SHA256_EMAIL" and not is_digest(each["idValue"]):
            return "/user/userIds/idValue :: must be a SHA-256 digest in hex"
        if each["idType"] == "PLAINTEXT_IP_ADDRESS" and not _is_ipv4(each["idValue"]):
            return "/user/userIds/idValue :: must be an IPv4 address"
    return None


def _problem_of_value(value: Any) -> str | None:
    if value is None:
        return None
    amount, currency = value.get("amount"), value.get("currencyCode")
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        return "/conversionValue/amount :: must be a decimal in a string"
    return None if re.fullmatch("[A-Z]{3}", str(currency)) else "/conversionValue/currencyCode :: must be of ISO 4217"


def _is_ipv4(value: Any) -> bool:
    try:
        IPv4Address(value)
    except ValueError:
        return False
    return True


def _error(status: int, code: str, message: str, service_code: int | None = None) -> Response:
    more = {} if service_code is None else {"serviceErrorCode": service_code}
    return answer(status, {"status": status, "code": code, "message": message, **more})


if __name__ == "__main__":
    serve(LinkedIn())
