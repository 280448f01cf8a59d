"""Where the ids of rows come from: chance for what is linked to, the content for what must not be written twice.

Rows lie in the order of their ids, so ids that grow with time let a table of millions be written at its end alone
instead of everywhere: https://www.rfc-editor.org/rfc/rfc9562#name-dbms-and-database-considera
"""

import os
import time
from datetime import date
from hashlib import sha1

import uuid_utils

_NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "mesh:samples")

#: Bytes of a UUID that say when: its milliseconds since 1970, if it is a UUIDv7.
_WHEN = 6


def random_id() -> str:
    """Return an upper-case UUIDv7 with 74 bits of the system's randomness: it is in links, so nobody may guess it.

    The library's own source of randomness is copied when a process forks; the system's is not.
    """
    when = (time.time_ns() // 1_000_000).to_bytes(_WHEN)
    return str(uuid_utils.UUID(bytes=when + os.urandom(16 - _WHEN), version=7)).upper()


def content_id(sample_id: str, content_key: str) -> str:
    """Return the upper-case UUIDv5 of a content, the same whenever it is seen again."""
    return str(uuid_utils.uuid5(_NAMESPACE, f"content:{sample_id}:{content_key}")).upper()


def log_id(kind: str, message_id: str, crawl_date: date, row_index: int) -> str:
    """Return the upper-case UUIDv8 of a crawl log, which begins as its message's identity does.

    Logs of one message lie together, and those of messages with a UUIDv7 in the order of time. A message's identity
    may be derived from its body, which makes the same page tomorrow a new observation under the same identity: the
    date tells their logs apart.
    """
    name = f"{kind}:{message_id}:{crawl_date}:{row_index}"
    own = sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()
    return str(uuid_utils.UUID(bytes=_beginning(message_id) + own[: 16 - _WHEN], version=8)).upper()


def _beginning(message_id: str) -> bytes:
    try:
        known = uuid_utils.UUID(message_id)
    except ValueError:
        known = uuid_utils.uuid5(_NAMESPACE, message_id)
    return known.bytes[:_WHEN]
