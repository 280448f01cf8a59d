"""A stand-in of X's Conversion API.

Rules, limits and errors: https://docs.x.com/x-ads-api/measurement/web-conversions; signatures: RFC 5849, checked here
in its own way. A request succeeds only when none of its conversions has an error, and does not say whose error it was.
Base URL: `http://HOST:PORT/12`. Any pixel in base 36 exists, and any event of it; the application is `sandbox-key` with
the secret `sandbox-key-secret`, the user's token `sandbox-token` with the secret `sandbox-token-secret`.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha1
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote, unquote

from starlette.responses import Response

from deploy.sandbox.standin import Call, Standin, answer, is_digest, serve

CONSUMER_KEY, CONSUMER_SECRET = "sandbox-key", "sandbox-key-secret"
TOKEN_SECRET = "sandbox-token-secret"  # noqa: S105 -- it opens nothing

_BATCH = 500
_CLOCKS = timedelta(minutes=5)  # how far apart clocks may be
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_EVENT = re.compile(r"(tw-[0-9a-z]+-)?[0-9a-z]+")
_STRONG = frozenset({"twclid", "hashed_email", "hashed_phone_number"})
_WEAK = frozenset({"ip_address", "user_agent"})
_PAIR = re.compile(r'([a-z_]+)="([^"]*)"')


class X(Standin):
    """One bad conversion fails the whole request, as X documents."""

    name = "x"
    endpoints: ClassVar[Mapping[str, str]] = {"/12/measurement/conversions/{pixel}": "take_conversions"}
    window = timedelta(hours=48)

    async def take_conversions(self, call: Call) -> Response:
        """Take a request of up to 500 conversions."""
        if not self._is_signed(call):
            return _errors(401, [("UNAUTHORIZED_ACCESS", "This request is not properly authenticated", "")])
        if not re.fullmatch("[0-9a-z]+", call.path["pixel"]):
            return _errors(404, [("ROUTE_NOT_FOUND", "The requested resource could not be found", "")])
        try:
            conversions = call.json()["conversions"]
        except (ValueError, KeyError, TypeError):
            return _errors(400, [("MISSING_PARAMETER", '"conversions" is a required parameter', "conversions")])
        if problems := _problems_of_request(conversions):
            return _errors(400, problems)
        for each in conversions:
            self.take(str(each.get("conversion_id", id(each))), each)
        return answer(
            200,
            {
                "request": {"params": {"account_id": "sandbox"}},
                "data": {"conversions_processed": len(conversions), "debug_id": "sandbox"},
            },
        )

    def _is_signed(self, call: Call) -> bool:
        """Make the signature again, from what came over the line: RFC 5849, 3.2."""
        scheme, _, told = call.headers.get("authorization", "").partition(" ")
        said = {name: unquote(value) for name, value in _PAIR.findall(told)}
        signature = said.pop("oauth_signature", "")
        is_ours = said.get("oauth_consumer_key") == CONSUMER_KEY and self.knows(said.get("oauth_token"))
        at = said.get("oauth_timestamp", "")
        if scheme != "OAuth" or not is_ours or not said.get("oauth_nonce") or not at.isdigit():
            return False
        if abs(self.clock() - int(at)) > _CLOCKS.total_seconds():
            return False
        url = call.request.url
        pairs = sorted((quote(a, safe="~"), quote(b, safe="~")) for a, b in [*said.items(), *parse_qsl(url.query)])
        text = quote("&".join(f"{name}={value}" for name, value in pairs), safe="~")
        base = f"POST&{quote(f'{url.scheme}://{url.netloc}{url.path}', safe='~')}&{text}"
        digest = hmac.new(f"{CONSUMER_SECRET}&{TOKEN_SECRET}".encode(), base.encode(), sha1).digest()
        return hmac.compare_digest(b64encode(digest).decode(), signature)

    def throttled(self, retry_after_s: int) -> Response:
        """Answer as X does above the limit of an account: it tells when the window ends."""
        response = _errors(429, [("TOO_MANY_REQUESTS", "Too many requests for this resource", "")])
        response.headers["x-account-rate-limit-reset"] = str(int(self.clock()) + retry_after_s)
        return response

    def broken(self) -> Response:
        """Answer as X does when it fails."""
        return _errors(500, [("INTERNAL_ERROR", "An internal error occurred", "")])

    def unavailable(self) -> Response:
        """Answer as X does when it is over capacity."""
        return _errors(503, [("SERVICE_UNAVAILABLE", "The service is temporarily over capacity", "")])


def _problems_of_request(conversions: Any) -> list[tuple[str, str, str]]:
    if not isinstance(conversions, list) or not conversions:
        return [("INVALID_PARAMETER", "Expected at least one conversion", "conversions")]
    if len(conversions) > _BATCH:
        return [("INVALID_PARAMETER", f"Conversion count limit is {_BATCH}", "conversions")]
    return [problem for each in conversions for problem in _problems(each)]


def _problems(each: Any) -> list[tuple[str, str, str]]:
    """Return the code, the message and the parameter of each thing that is wrong."""
    if not isinstance(each, dict):
        return [("INVALID_PARAMETER", "Expected an object", "conversions")]
    found = []
    at, event = str(each.get("conversion_time")), str(each.get("event_id") or "")
    if not _TIME.fullmatch(at):
        said = f'Expected Time in yyyy-MM-ddTHH:mm:ss.SSSZ, got "{at}" for conversion_time'
        found.append(("INVALID_PARAMETER", said, "conversion_time"))
    if not event:
        found.append(("INVALID_PARAMETER", "Event ID was not found", "event_id"))
    elif not _EVENT.fullmatch(event):
        found.append(("INVALID_PARAMETER", f"event_id ({event}) is not a single event tag (SET)", "event_id"))
    if each.get("number_items", 1) <= 0:
        found.append(("INVALID_PARAMETER", "number_items must be greater than zero", "number_items"))
    return found + _problems_of_identifiers(each.get("identifiers"))


def _problems_of_identifiers(identifiers: Any) -> list[tuple[str, str, str]]:
    listed = [each for each in identifiers if isinstance(each, dict)] if isinstance(identifiers, list) else []
    known = {name: value for each in listed for name, value in each.items() if value}
    if not _STRONG & set(known) and not set(known) >= _WEAK:
        return [("INVALID_PARAMETER", "At least one user identifier must be provided", "")]
    return [
        ("INVALID_PARAMETER", f"{name} ({known[name]}) is not a valid SHA-256 hash", name)
        for name in ("hashed_email", "hashed_phone_number")
        if name in known and not is_digest(known[name])
    ]


def _errors(status: int, errors: list[tuple[str, str, str]]) -> Response:
    said = [{"code": code, "message": message, "parameter": parameter} for code, message, parameter in errors]
    return answer(status, {"errors": said, "request": {"params": {"account_id": "sandbox"}}})


if __name__ == "__main__":
    serve(X())
