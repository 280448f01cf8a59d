"""Settings of the admin API."""

from pydantic import BaseModel, Field, SecretStr, field_validator

from settings.types import Port, Secrets, check_password


class AdminSettings(BaseModel):
    """The admin API: where it listens and who may use it."""

    admin_host: str = Field(
        "127.0.0.1", description="Interface the admin API listens on; it is for operators, so keep it inside."
    )
    admin_port: Port = Field(8001, description="Port the admin API listens on; 0 picks a free one.")
    admin_url: str | None = Field(
        None, description="Where operators find the admin API, if that is not its host and port (a proxy, a container)."
    )
    admin_users: Secrets = Field(
        (),
        description="Who may use the admin API, comma-separated: name:password:role, with roles read, admin (changes) "
        "and secrets (sees them in clear), joined by + for several; without any, every call is refused.",
    )

    @field_validator("admin_users")
    @classmethod
    def _are_people(cls, users: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse whom the admin API could not read, and a password that is guessed first."""
        for position, user in enumerate(users, start=1):
            name, _, rest = user.get_secret_value().partition(":")
            password, _, roles = rest.rpartition(":")
            if not name or not set(roles.split("+")) <= {"read", "admin", "secrets"}:
                raise ValueError(f"user {position} must be name:password:role, the role read, admin or secrets")
            check_password(password, position)
        return users
