"""Kinds of values that are written as text in the environment."""

from datetime import time
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

#: RabbitMQ 4 refuses messages over 16 MiB, so a larger body could be accepted and never be published.
LARGEST_MESSAGE = 16 * 1024 * 1024
#: A person's password is tried by whoever reaches the port; a generated one is longer anyway.
SHORTEST_PASSWORD = 8


def _split(value: Any) -> Any:
    return tuple(_words(value)) if isinstance(value, str) else value


def _by_name(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    parts = (word.partition("=") for word in _words(value))
    return {name.strip(): text.strip() for name, _, text in parts}


def _spans(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    spans = ((region, span.partition("-")) for region, span in _by_name(value).items())
    return {region.upper(): (begin.strip(), end.strip()) for region, (begin, _, end) in spans}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


# NoDecode: pydantic-settings would otherwise expect JSON.
#: Comma-separated.
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split)]
#: A span of local time by region, which may cross midnight: MX=21:00-09:00,BR=22:00-08:00.
Hours = Annotated[dict[str, tuple[time, time]], NoDecode, BeforeValidator(_spans)]
#: Addresses by name: meta_capi=https://…, comma-separated.
Urls = Annotated[dict[str, str], NoDecode, BeforeValidator(_by_name)]
Port = Annotated[int, Field(ge=0, le=65535)]


def check_password(password: str, position: int) -> None:
    """Raise ValueError for a password that is guessed first."""
    if len(password) < SHORTEST_PASSWORD or password.lower() in {"changeme", "password", "12345678"}:
        raise ValueError(f"user {position} needs an uncommon password of {SHORTEST_PASSWORD} characters or more")
