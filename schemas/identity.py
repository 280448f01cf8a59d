"""Ids that follow from what they name, so that whoever names it again gets the same one."""

from hashlib import sha1
from uuid import NAMESPACE_DNS, NAMESPACE_URL, UUID


def named_id(name: str, namespace: UUID = NAMESPACE_URL) -> str:
    """Return the lower-case UUIDv5 of a name, in the URL namespace unless told another (RFC 9562, section 5.5).

    The standard library's takes ten times as long, and a reminder needs two.
    """
    raw = bytearray(sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x50
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def creator_id(platform: str, platform_creator_id: str) -> str:
    """Return the upper-case UUIDv5 (DNS namespace) of a creator, as other programs of the same database derive it."""
    return named_id(f"{platform}:{platform_creator_id}", NAMESPACE_DNS).upper()


def contact_id(task_id: str, platform_creator_id: str) -> str:
    """Return the upper-case UUIDv5 of an outreach task's contact with a creator."""
    return named_id(f"mesh:contact:{len(task_id)}:{task_id}:{platform_creator_id}").upper()
