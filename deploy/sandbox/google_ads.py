"""A stand-in of Google's Data Manager API for Google Ads, and of the place where its access tokens come from.

Rules: https://developers.google.com/data-manager/api/reference/rest/v1/events/ingest and …/UserData (fields),
…/data-manager/api/limits (2,000 events, 10 destinations, 10 identifiers), …/devguides/concepts/understand-errors and
…/reference/rest/v1/ErrorReason (how errors look); tokens: RFC 6749, 6,
https://developers.google.com/identity/protocols/oauth2/web-server#offline.
Base URL: `http://HOST:PORT/v1`, token_uri: `http://HOST:PORT/token`. Any customer and conversion action of digits
exists, but for the action 404; the client is `sandbox-client` with the secret `sandbox-secret`, the refresh token
`sandbox-token`. Access tokens end when `end_tokens` is called.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import parse_qs

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, is_digest, serve

CLIENT_ID, CLIENT_SECRET = "sandbox-client", "sandbox-secret"
#: A conversion action that there is not.
UNKNOWN_ACTION = "404"

_BATCH, _DESTINATIONS, _IDENTIFIERS = 2000, 10, 10
_OLDEST = timedelta(days=90)
_LATEST = timedelta(minutes=5)  # clocks differ a little
_DIGITS = re.compile(r"[0-9]+")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_SOURCES = frozenset({"WEB", "APP", "IN_STORE", "PHONE", "OTHER"})
_STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}
_HOUR = 3599

#: field, reason
Violation = tuple[str, str]


class GoogleAds(Standin):
    """One bad event fails the whole request, and the answer names it."""

    name = "google_ads"
    endpoints: ClassVar[Mapping[str, str]] = {"/v1/events:ingest": "ingest", "/token": "token_for"}

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.issued = 0
        self._valid: set[str] = set()

    def end_tokens(self) -> None:
        """End every access token before its time."""
        self._valid.clear()

    async def token_for(self, call: Call) -> Response:
        """Give an access token for a refresh token."""
        said = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        if (said.get("client_id"), said.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return answer(401, {"error": "invalid_client", "error_description": "The OAuth client was not found."})
        if said.get("grant_type") != "refresh_token":
            return answer(400, {"error": "unsupported_grant_type"})
        if not self.knows(said.get("refresh_token")):
            told = "Token has been expired or revoked."
            return answer(400, {"error": "invalid_grant", "error_description": told})
        self.issued += 1
        token = f"ya29.sandbox-{self.issued}"
        self._valid.add(token)
        scope = "https://www.googleapis.com/auth/datamanager"
        return answer(200, {"access_token": token, "expires_in": _HOUR, "scope": scope, "token_type": "Bearer"})

    async def ingest(self, call: Call) -> Response:
        """Take a request of events for up to ten conversion actions."""
        if call.bearer not in self._valid:
            told = "Request had invalid authentication credentials. Expected OAuth 2 access token"
            return _error(401, told, "ACCESS_TOKEN_EXPIRED")
        try:
            body = call.json()
        except ValueError:
            return _error(400, "Invalid JSON payload received")
        destinations, events = body.get("destinations") or [], body.get("events") or []
        found = _of_destinations(destinations) or _of_size(events) or _of_encoding(body, events)
        references = {each.get("reference") for each in destinations}
        for at, event in enumerate(events if not found else ()):
            found += [(f"events.events[{at}]{field}", reason) for field, reason in self._of_event(event, references)]
        if found:
            return _error(400, "There was a problem with the request.", "INVALID_ARGUMENT", found)
        if not body.get("validateOnly"):
            for event in events:
                self.take(event["transactionId"], event)
        return answer(200, {"requestId": "sandbox"})

    def _of_event(self, event: Mapping[str, Any], references: set[Any]) -> list[Violation]:
        found = [(f".{_snake(name)}", "REQUIRED_FIELD_MISSING") for name in ("transactionId",) if not event.get(name)]
        if not set(event.get("destinationReferences") or references) <= references:
            found.append((".destination_references", "INVALID_DESTINATION_REFERENCE"))
        if event.get("eventSource") not in _SOURCES:
            found.append((".event_source", "REQUIRED_FIELD_MISSING"))
        if not event.get("adIdentifiers") and not event.get("userData"):
            found.append(("", "NO_IDENTIFIERS_PROVIDED"))
        if "conversionValue" in event and not re.fullmatch("[A-Z]{3}", str(event.get("currency"))):
            found.append((".currency", "INVALID_CURRENCY_CODE"))
        return found + self._of_time(str(event.get("eventTimestamp"))) + _of_person(event.get("userData"))

    def _of_time(self, said: str) -> list[Violation]:
        if not _RFC3339.fullmatch(said):
            return [(".event_timestamp", "INVALID_FORMAT")]
        age = self.clock() - datetime.fromisoformat(said).timestamp()
        is_within = -_LATEST.total_seconds() <= age <= _OLDEST.total_seconds()
        return [] if is_within else [(".event_timestamp", "EVENT_TIME_INVALID")]

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as Google does above a quota: the wait is in the details, and in no header."""
        retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after_s}s"}
        return _error(429, "Quota exceeded for quota metric 'requests'", "RATE_LIMIT_EXCEEDED", more=[retry])

    def broken(self) -> Response:
        """Answer as Google does when it fails."""
        return answer(500, {"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}})


def _of_destinations(destinations: list[Any]) -> list[Violation]:
    if not destinations:
        return [("destinations", "REQUIRED_FIELD_MISSING")]
    if len(destinations) > _DESTINATIONS:
        return [("destinations", "TOO_MANY_DESTINATIONS")]
    if len({each.get("reference") for each in destinations}) < len(destinations):
        return [("destinations", "DUPLICATE_DESTINATION_REFERENCE")]
    found = []
    for at, each in enumerate(destinations):
        for name in ("operatingAccount", "loginAccount"):
            account = each.get(name, {} if name == "operatingAccount" else None)
            if account is not None and not _is_account(account):
                found.append((f"destinations[{at}].{_snake(name)}", "INVALID_DESTINATION"))
        action = str(each.get("productDestinationId"))
        if not _DIGITS.fullmatch(action) or action == UNKNOWN_ACTION:
            found.append((f"destinations[{at}].product_destination_id", "INVALID_CONVERSION_ACTION_ID"))
    return found


def _is_account(account: Mapping[str, Any]) -> bool:
    return account.get("accountType") == "GOOGLE_ADS" and _DIGITS.fullmatch(str(account.get("accountId"))) is not None


def _of_size(events: list[Any]) -> list[Violation]:
    if not events:
        return [("events", "REQUIRED_FIELD_MISSING")]
    return [("events", "TOO_MANY_EVENTS")] if len(events) > _BATCH else []


def _of_encoding(body: Mapping[str, Any], events: list[Any]) -> list[Violation]:
    needs = any(event.get("userData") for event in events)
    return [("encoding", "REQUIRED_FIELD_MISSING")] if needs and body.get("encoding") not in {"HEX", "BASE64"} else []


def _of_person(user: Any) -> list[Violation]:
    if user is None:
        return []
    listed = user.get("userIdentifiers") or []
    if not 0 < len(listed) <= _IDENTIFIERS:
        return [(".user_data", "TOO_MANY_USER_IDENTIFIERS" if listed else "REQUIRED_FIELD_MISSING")]
    return [
        (f".user_data.user_identifiers[{at}].{_snake(field)}", reason)
        for at, each in enumerate(listed)
        for field, reason in _of_identifier(each)
    ]


def _of_identifier(each: Mapping[str, Any]) -> list[Violation]:
    if len(each) != 1:
        return [("identifier", "REQUIRED_FIELD_MISSING")]
    ((name, value),) = each.items()
    if name in {"emailAddress", "phoneNumber"}:
        return [] if _is_hash(value) else [(name, "INVALID_SHA256_FORMAT")]
    address = value if name == "address" and isinstance(value, dict) else {}
    found = [("givenName", "INVALID_SHA256_FORMAT")] if not _is_hash(address.get("givenName")) else []
    found += [("familyName", "INVALID_SHA256_FORMAT")] if not _is_hash(address.get("familyName")) else []
    found += (
        [] if re.fullmatch("[A-Z]{2}", str(address.get("regionCode"))) else [("regionCode", "INVALID_COUNTRY_CODE")]
    )
    return found + ([] if address.get("postalCode") else [("postalCode", "INVALID_POSTAL_CODE")])


def _is_hash(value: Any) -> bool:
    try:
        return is_digest(value) or len(base64.b64decode(str(value), validate=True)) == 32  # noqa: PLR2004 -- SHA-256
    except ValueError:
        return False


def _snake(name: str) -> str:
    return re.sub("([A-Z])", lambda found: f"_{found[0].lower()}", name)


def _error(
    status: int,
    message: str,
    reason: str = "INVALID_ARGUMENT",
    violations: list[Violation] | None = None,
    more: list[dict[str, Any]] | None = None,
) -> Response:
    details: list[dict[str, Any]] = [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "datamanager.googleapis.com"}
    ]
    if violations:
        listed = [{"field": field, "description": why, "reason": why} for field, why in violations]
        details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": listed})
    said = {"code": status, "message": message, "status": _STATUS[status], "details": details + (more or [])}
    return answer(status, {"error": said})


if __name__ == "__main__":
    serve(GoogleAds())
