"""Who may log in and how: a code by mail, a session in a cookie."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

COOKIE = "sessionid"
CODE_LIVES_S = 300
CODES_A_MINUTE = 5
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SENDER = "TikTok Shop <no-reply@seller-centre.example>"


class Refused(Exception):
    """A login that is not let in: the code of the answer, and what the page says."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass
class _Code:
    text: str
    sent_at: float


@dataclass
class Accounts:
    """Mails, codes and sessions. Any address may log in; its newest code opens, once, for five minutes."""

    clock: Callable[[], float] = time.time
    mails: list[dict[str, Any]] = field(default_factory=list)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _sessions: dict[str, str] = field(default_factory=dict)

    def send_code(self, email: str) -> None:
        """Mail a code."""
        if "@" not in email:
            raise Refused(400, "Enter a valid email address")
        now = self.clock()
        recent = [mail for mail in self.mails if mail["to"] == email and now - mail["sent_at"] < 60]  # noqa: PLR2004
        if len(recent) >= CODES_A_MINUTE:
            raise Refused(429, "Too many attempts. Try again later")
        code = "".join(secrets.choice(_LETTERS) for _ in range(6))
        self._codes[email] = _Code(code, now)
        self.mails.append(
            {
                "to": email,
                "from": _SENDER,
                "subject": f"{code} is your TikTok Shop Partner Center verification code",
                "body": f"Hello,\n\nYour verification code is:\n\n{code}\n\nIt expires in 5 minutes.\n",
                "sent_at": now,
            }
        )

    def log_in(self, email: str, code: str) -> str:
        """Return the cookie of a new session."""
        known = self._codes.get(email)
        if known is None or known.text != code.strip().upper():
            raise Refused(400, "Verification code is incorrect")
        del self._codes[email]
        if self.clock() - known.sent_at > CODE_LIVES_S:
            raise Refused(400, "Verification code has expired")
        cookie = secrets.token_hex(16)
        self._sessions[cookie] = email
        return cookie

    def whose(self, cookie: str | None) -> str | None:
        """Return the address of whoever holds a cookie."""
        return self._sessions.get(cookie or "")

    def expire(self) -> int:
        """End every session."""
        ended = len(self._sessions)
        self._sessions.clear()
        return ended
