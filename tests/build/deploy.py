"""What `deploy/` says, read as Docker Compose, Docker and Kubernetes would read it."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"

#: Secrets that say more than themselves, as `secrets.sh` shapes them.
SHAPED = {
    "MESH_EVENTS_USERS": "oms:a-long-password",
    "MESH_ADMIN_USERS": "admin:a-long-password:admin+secrets",
    "MESH_TIKTOK_CLIENT_SECRETS": "7d" * 24,
    "MESH_ENCRYPTION_KEYS": "c2V2ZW50ZWVuIHBhY2VzIGFuZCBzb21lIG1vcmUgeHg=",
}

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?:(?P<kind>:-|:\?)(?P<rest>[^}]*))?\}")


def parsed(path: Path) -> Any:
    """The one document of a YAML file."""
    return yaml.safe_load(path.read_text())


def compose(path: str = "docker-compose.yml") -> dict[str, Any]:
    return dict(parsed(ROOT / path))


def services() -> dict[str, dict[str, Any]]:
    return dict(compose()["services"])


def our_services() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services().items() if service["image"].startswith("mesh:")}


def environment(service: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """What a service's process gets from the compose file, with the variables that were given."""
    return {name: interpolated(str(value), given) for name, value in service.get("environment", {}).items()}


def interpolated(text: str, given: Mapping[str, str]) -> str:
    """Replace `${NAME}`, `${NAME:-default}` and `${NAME:?complaint}`, and `$$`."""

    def value(match: re.Match[str]) -> str:
        found = given.get(match["name"])
        if found:
            return found
        assert match["kind"] != ":?", f"{match['name']}: {match['rest']}"
        return match["rest"] or ""

    return _VARIABLE.sub(value, text).replace("$$", "$")


def required(text: str) -> set[str]:
    """The variables that have no default."""
    return {match["name"] for match in _VARIABLE.finditer(text) if match["kind"] == ":?"}


def commands(service: Mapping[str, Any]) -> list[list[str]]:
    """The arguments of each `mesh` that a service runs, one after the other."""
    if "entrypoint" not in service:
        return [list(service["command"])]
    (script,) = service["command"]
    words = [shlex.split(part) for part in script.split("&&")]
    assert all(each[0] == "mesh" for each in words)
    return [each[1:] for each in words]


def dockerfile() -> list[tuple[str, str]]:
    """Every instruction of the Dockerfile and what follows it, continued lines joined, comments gone."""
    text = "\n".join(line for line in (DEPLOY / "Dockerfile").read_text().splitlines() if not line.startswith("#"))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line)]


def image_environment() -> dict[str, str]:
    """The MESH_ variables that the image sets."""
    stated = " ".join(rest for word, rest in dockerfile() if word == "ENV")
    pairs = (word.partition("=") for word in shlex.split(stated))
    return {name: value for name, _, value in pairs if name.startswith("MESH_")}


def manifests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Kubernetes object with the name of its file."""
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path.name, document


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod's specification with the name of what makes it."""
    for _, document in manifests():
        if document["kind"] in ("Deployment", "Job"):
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def seconds(text: str) -> float:
    """`45s` as a number."""
    assert text.endswith("s")
    return float(text.removesuffix("s"))
