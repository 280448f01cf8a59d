"""OAuth 1.0a's signature with HMAC-SHA1 (RFC 5849), as X wants it on each request."""

import hmac
import secrets
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1
from urllib.parse import quote, urlsplit


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """The four secrets of an application and of the user who lets it act."""

    consumer_key: str
    consumer_secret: str
    token: str
    token_secret: str

    def header(
        self,
        method: str,
        url: str,
        parameters: Mapping[str, str] | None = None,
        *,
        nonce: str | None = None,
        timestamp: int | None = None,
    ) -> str:
        """Return the Authorization header of a request.

        `parameters` are those of the query and of a form (3.4.1.3); a body in JSON is not signed.
        """
        own = {
            "oauth_consumer_key": self.consumer_key,
            "oauth_nonce": nonce or secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(timestamp or int(time.time())),
            "oauth_token": self.token,
            "oauth_version": "1.0",
        }
        own["oauth_signature"] = self._signature(_base_string(method, url, {**(parameters or {}), **own}))
        return "OAuth " + ", ".join(f'{_escaped(name)}="{_escaped(value)}"' for name, value in sorted(own.items()))

    def _signature(self, base_string: str) -> str:
        key = f"{_escaped(self.consumer_secret)}&{_escaped(self.token_secret)}"
        return b64encode(hmac.new(key.encode(), base_string.encode(), sha1).digest()).decode()


def _base_string(method: str, url: str, parameters: Mapping[str, str]) -> str:
    """Return what is signed: the method, the address without its query, and the sorted parameters (3.4.1)."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.port is not None and parts.port != {"http": 80, "https": 443}.get(parts.scheme.lower()):
        host = f"{host}:{parts.port}"
    address = f"{parts.scheme.lower()}://{host}{parts.path or '/'}"
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in parameters.items())
    return "&".join(map(_escaped, (method.upper(), address, "&".join(f"{name}={value}" for name, value in pairs))))


def _escaped(text: str) -> str:
    """Escape all but letters, digits and -._~ (3.6)."""
    return quote(text, safe="-._~")
