"""The two kinds of message and how their fields are spelled on the wire."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Value(BaseModel):
    """An immutable value, lower camelCase in JSON; snake_case is accepted too."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
    )


class Message(Value):
    """Anything that travels through the broker under one routing key."""

    key: ClassVar[str]


class Command(Message):
    """Something to be done, said by us: unknown fields are a mistake."""

    model_config = ConfigDict(extra="forbid")


class ForeignCommand(Message):
    """Something to be done, said by a publisher we do not own: unknown fields are ignored, the raw body is kept."""

    model_config = ConfigDict(extra="ignore")


class Event(Message):
    """Something that has happened, named in the past tense."""

    model_config = ConfigDict(extra="ignore")
