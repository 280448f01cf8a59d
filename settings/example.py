"""`.env.example`, written from the settings themselves."""

from inspect import getdoc

from pydantic.fields import FieldInfo

from settings import Settings


def example() -> str:
    """Return `.env.example`: every setting with its sentence, commented out, at its default."""
    lines = ["# Settings of the mesh, at their defaults. Copy to .env and uncomment what you change.", ""]
    for group in Settings.__bases__:
        if own := getattr(group, "model_fields", {}):
            lines += ["", f"# ---- {getdoc(group)}", ""]
        for name, field in own.items():
            lines += [f"# {field.description}", f"# MESH_{name.upper()}={_default(field)}", ""]
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if not value and not isinstance(value, int):
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)
