"""Where the ids of rows come from: chance for what is linked to, the content for what must not be written twice."""

import os
from datetime import date

import uuid_utils

_NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "mesh:samples")


def random_id() -> str:
    """Return an upper-case UUIDv4 from the system's randomness: it is in links, so nobody may guess it.

    The library's own source of randomness is copied when a process forks; the system's is not.
    """
    return str(uuid_utils.UUID(bytes=os.urandom(16), version=4)).upper()


def content_id(sample_id: str, content_key: str) -> str:
    """Return the upper-case UUIDv5 of a content, the same whenever it is seen again."""
    return _derived(f"content:{sample_id}:{content_key}")


def log_id(kind: str, message_id: str, crawl_date: date, row_index: int) -> str:
    """Return the upper-case UUIDv5 of a crawl log.

    A message's identity may be derived from its body, which makes the same page tomorrow a new observation under the
    same identity: the date tells their logs apart.
    """
    return _derived(f"{kind}:{message_id}:{crawl_date}:{row_index}")


def _derived(name: str) -> str:
    return str(uuid_utils.uuid5(_NAMESPACE, name)).upper()
