"""What a handler may say of a message it could not act on; everything else it raises is a bug."""

from datetime import timedelta


class Verdict(Exception):
    """The base of everything a handler, repository or adapter says instead of returning."""


class Reject(Verdict):
    """The message can never succeed: park it in the dead-letter queue now."""


class Retryable(Verdict):
    """The message may succeed later: send it down the delay ladder, within its queue's retry policy."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        """`after` is what the vendor asked for (Retry-After); without it the policy's backoff decides."""
        super().__init__(reason)
        self.after = after


class Unavailable(Verdict):
    """Our own SQL, Redis or broker is away: wait for it without burning an attempt."""


class Conflict(Verdict):
    """The transaction lost a race (deadlock, lock wait, unique key): run the handler again at once."""
