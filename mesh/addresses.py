"""Where everything of a running mesh is, as other programs are told."""

import socket
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from mesh.embedded.process import ServiceFailed
from settings import Settings

#: How far beyond a taken port a free one is looked for.
_PORTS_TO_TRY = 50


@dataclass(frozen=True, slots=True)
class Addresses:
    """How to reach everything, and the secrets of a mesh that has none of its own; they stay out of its repr."""

    gateway_url: str
    data_dir: Path
    broker_url: str = field(repr=False)
    broker_management_url: str | None = field(repr=False)
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    service_tokens: tuple[str, ...] = field(repr=False)
    events_users: tuple[str, ...] = field(default=(), repr=False)
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    tiktok_client_secrets: tuple[str, ...] = field(default=(), repr=False)
    tiktok_client_key: str = ""
    tiktok_base_url: str = ""
    admin_url: str = ""
    admin_users: tuple[str, ...] = field(default=(), repr=False)

    def environment(self) -> dict[str, str]:
        """Return what any other program needs to join, as environment variables."""
        found = {
            "MESH_BROKER_URL": self.broker_url,
            "MESH_BROKER_MANAGEMENT_URL": self.broker_management_url or "",
            "MESH_DATABASE_URL": self.database_url,
            "MESH_REDIS_URL": self.redis_url,
            "MESH_GATEWAY_URL": self.gateway_url,
            "MESH_SERVICE_TOKENS": ",".join(self.service_tokens),
            "MESH_SERVICE_TOKEN": self.service_tokens[0],  # one of them alone, ready for a header
            "MESH_EVENTS_USERS": ",".join(self.events_users),
            "MESH_EVENTS_LOGIN": self.events_users[0] if self.events_users else "",  # the same
            "MESH_ENCRYPTION_KEYS": ",".join(self.encryption_keys),
            "MESH_TIKTOK_CLIENT_SECRETS": ",".join(self.tiktok_client_secrets),
            "MESH_TIKTOK_CLIENT_KEY": self.tiktok_client_key,
            "MESH_TIKTOK_BASE_URL": self.tiktok_base_url,
            "MESH_ADMIN_URL": self.admin_url,
            "MESH_ADMIN_USERS": ",".join(self.admin_users),
            "MESH_ADMIN_LOGIN": self.admin_login,  # one of them alone, ready for curl --user
            "MESH_DATA_DIR": str(self.data_dir),
        }
        return {name: value for name, value in found.items() if value}

    @property
    def admin_login(self) -> str:
        """The name and the password of the first of those who may use the admin API."""
        return self.admin_users[0].rpartition(":")[0] if self.admin_users else ""


def revealed(secret: SecretStr | None) -> str | None:
    """Return the plain value of a setting that may be absent."""
    return secret.get_secret_value() if secret else None


def gateway_address(settings: Settings) -> tuple[str, int]:
    """Return the host and a free port for the gateway.

    A port that the operator has chosen is used or refused, never replaced; the default one gives way to the next.
    """
    return _address(settings, "gateway")


def admin_address(settings: Settings, *, besides: int | None = None) -> tuple[str, int]:
    """Return the host and a free port for the admin API, other than the one that the gateway is about to take."""
    return _address(settings, "admin", besides)


def _address(settings: Settings, role: str, besides: int | None = None) -> tuple[str, int]:
    wanted, host = getattr(settings, f"{role}_port"), getattr(settings, f"{role}_host")
    setting = f"MESH_{role.upper()}_PORT"
    if (free := _free(host, wanted)) is not None and free != besides:
        return host, free
    if f"{role}_port" in settings.model_fields_set and wanted:
        raise ServiceFailed(f"port {wanted} on {host} is taken: free it, or choose another with {setting}")
    for port in range(wanted + 1, wanted + _PORTS_TO_TRY) if wanted else (0,):
        if (free := _free(host, port)) is not None and free != besides:
            return host, free
    raise ServiceFailed(f"no free port from {wanted} on: choose one with {setting}")


def _free(host: str, port: int) -> int | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return None
        return int(probe.getsockname()[1])


def reachable(host: str) -> str:
    """Return how a local client reaches what listens on every interface."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
