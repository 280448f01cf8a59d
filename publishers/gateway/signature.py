"""TikTok's signature of a webhook: who sent these bytes, and when.

The header `TikTok-Signature` is `t=<unix seconds>,s=<hex>`, where `s` is the HMAC-SHA256, under the app's client
secret, of `t`, a full stop and the body: https://developers.tiktok.com/doc/webhooks-verification
"""

import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from publishers.gateway.errors import Refusal

HEADER: Final = b"tiktok-signature"
_TIME: Final = re.compile(rb"[0-9]{1,11}")
_DIGEST: Final = re.compile(rb"[0-9a-fA-F]{64}")


def sign(body: bytes, secret: bytes, at: int) -> str:
    """Return the header of a body that is signed at a moment, in seconds since 1970."""
    return f"t={at},s={_digest(str(at).encode(), body, secret).hex()}"


def verify(
    header: bytes | None, body: bytes, secrets: Sequence[bytes], *, now: datetime, tolerance: timedelta
) -> datetime:
    """Return when a body was signed; raises the 401 if it was not, with another secret, or at another time than now.

    Parts are known by name, in any order; of several signatures one must fit. What is not known is passed over.
    """
    parts = [part.strip().partition(b"=") for part in (header or b"").split(b",")]
    times = {value.strip() for name, _, value in parts if name.strip() == b"t"}
    given = [value.strip() for name, _, value in parts if name.strip() == b"s"]
    digests = [bytes.fromhex(each.decode()) for each in given if _DIGEST.fullmatch(each)]
    if len(times) != 1 or not _TIME.fullmatch(time := times.pop()) or not digests:
        raise _refusal()
    is_known = False
    # Every secret is compared with every signature, whatever was found before: the time taken tells nothing.
    for secret in secrets:
        expected = _digest(time, body, secret)
        for digest in digests:
            is_known |= hmac.compare_digest(expected, digest)
    signed_at = datetime.fromtimestamp(int(time), UTC)
    if not is_known or abs(now - signed_at) > tolerance:
        raise _refusal()
    return signed_at


def _digest(time: bytes, body: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, time + b"." + body, "sha256")


def _refusal() -> Refusal:
    # One answer for all: who guesses learns nothing of how near a guess was.
    return Refusal(401, "A valid TikTok-Signature header is required")
