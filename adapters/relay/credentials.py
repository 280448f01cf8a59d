"""Whether credentials are what their platform asks for, told field by field and never with a value."""

from collections.abc import Mapping
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from adapters.relay.registry import ADAPTERS
from schemas.relay.records import Platform

#: What a field may be wrong with; the validator's own words would repeat the value, which is a secret.
_SAID = {
    "required": "is required",
    "additionalProperties": "is not known to this platform",
    "minLength": "is too short",
    "maxLength": "is too long",
    "pattern": "does not look like one",
    "type": "is of the wrong type",
    "enum": "is none of the possible values",
    "format": "does not look like one",
}


def credential_problems(platform: Platform, said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with credentials, as path and words; nothing where they can be used.

    The platform's own schema comes before the adapter's. A platform without an adapter refuses all.
    """
    make = ADAPTERS.get(platform.platform_code)
    if make is None:
        name = f"{platform.name} ({platform.platform_code})"
        return [("credentials", f"cannot be used: nothing can be sent to {name} yet, it has no adapter")]
    schema = orjson.loads(platform.credential_schema) if platform.credential_schema else make.credential_schema  # type: ignore[attr-defined] # an adapter's class
    found = [each for error in Draft202012Validator(schema).iter_errors(dict(said)) for each in _told(error)]
    return sorted(set(found))


def _told(error: ValidationError) -> list[tuple[str, str]]:
    path = ["credentials", *map(str, error.absolute_path)]
    words = _SAID.get(str(error.validator), "is not what this platform asks for")
    if error.validator == "required":
        names = [name for name in error.validator_value if name not in error.instance]
    elif error.validator == "additionalProperties":
        names = [name for name in error.instance if name not in error.schema.get("properties", {})]
    else:
        return [(".".join(path), words)]
    return [(".".join([*path, str(name)]), words) for name in names]
