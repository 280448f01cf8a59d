"""Access tokens from a refresh token (RFC 6749, 6): asked for once, kept until shortly before they end."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from adapters.relay.classify import Answer, outcome_of
from adapters.relay.http import Http
from adapters.relay.port import Outcome, Verdict

#: A token is renewed so many seconds before its end, so that none ends on its way.
_MARGIN = 60
#: Where an answer does not say how long a token lives, in seconds.
_LIFE = 300
#: The refresh token or the client is refused: RFC 6749, 5.2.
_REFUSED = frozenset({"invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"})


@dataclass(slots=True, repr=False)
class _Kept:
    token: str = ""
    until: float = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Tokens:
    """The access tokens of all accounts of one process, in memory only."""

    def __init__(self, http: Http, clock: Callable[[], float] = time.monotonic) -> None:
        self._http = http
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def token(self, url: str, credentials: Mapping[str, Any]) -> str | Outcome:
        """Return an access token, or what it means for every event that there is none; asked for once at a time."""
        kept = self._kept.setdefault(_key(url, credentials), _Kept())
        async with kept.lock:
            if self._clock() >= kept.until:
                told = await self._ask(url, credentials)
                if isinstance(told, Outcome):
                    return told
                kept.token, life = told
                kept.until = self._clock() + life - min(_MARGIN, life / 2)
            return kept.token

    def drop(self, url: str, credentials: Mapping[str, Any], token: str) -> None:
        """Forget a token that was refused, unless it has been renewed since."""
        kept = self._kept.get(_key(url, credentials))
        if kept is not None and kept.token == token:
            kept.until = 0

    async def _ask(self, url: str, credentials: Mapping[str, Any]) -> tuple[str, float] | Outcome:
        wanted = {name: str(credentials.get(name) or "") for name in ("client_id", "client_secret", "refresh_token")}
        form = urlencode({"grant_type": "refresh_token", **wanted}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        answer = (await self._http.post(url, form, headers=headers)).answer
        body = answer.json()
        said = body if isinstance(body, dict) else {}
        if answer.is_good and said.get("access_token"):
            return str(said["access_token"]), _life(said.get("expires_in"))
        return _problem(answer, said)


def _life(value: Any) -> float:
    try:
        return max(float(value), 1)
    except (TypeError, ValueError):
        return _LIFE


def _problem(answer: Answer, said: Mapping[str, Any]) -> Outcome:
    """Return why there is no token; the events themselves were not sent, so nothing about them is unknown."""
    outcome = outcome_of(answer)
    error = said["error"] if isinstance(said.get("error"), str) else None
    reason = f"no access token: {error or outcome.reason or 'the answer has none'} {said.get('error_description', '')}"
    verdict = outcome.verdict
    if error in _REFUSED:
        verdict = Verdict.AUTH
    elif verdict is Verdict.UNKNOWN:
        verdict = Verdict.TRANSIENT
    elif verdict in {Verdict.PERMANENT, Verdict.DELIVERED}:
        verdict = Verdict.CONFIG
    return replace(outcome, verdict=verdict, reason=reason.strip()[:500])


def _key(url: str, credentials: Mapping[str, Any]) -> str:
    parts = (url, *(str(credentials.get(name)) for name in ("client_id", "client_secret", "refresh_token")))
    return sha256("\0".join(parts).encode()).hexdigest()
