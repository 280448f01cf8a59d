"""Settings of the relay of marketing events."""

from pydantic import BaseModel, Field, PositiveInt, SecretStr, field_validator

from schemas.relay.messages import MAX_EVENTS
from settings.types import LARGEST_MESSAGE, Secrets, Urls, Words, check_password


class RelaySettings(BaseModel):
    """Marketing events: who may post them and where they may be sent."""

    events_users: Secrets = Field(
        (),
        description="Who may post marketing events with HTTP Basic, as name:password, comma-separated; several "
        "passwords of one name are all valid; the service tokens may too.",
    )
    events_max_body_bytes: PositiveInt = Field(
        10 * 1024 * 1024, le=LARGEST_MESSAGE, description="Largest page of marketing events, in bytes."
    )
    events_max_count: PositiveInt = Field(MAX_EVENTS, le=MAX_EVENTS, description="Most marketing events in one page.")
    relay_allowed_hosts: Words = Field(
        (),
        description="Hosts, addresses and CIDR ranges that events may be sent to although they are not public or not "
        "on HTTPS: tagging servers of your own, stand-ins; comma-separated, none by default.",
    )
    relay_base_urls: Urls = Field(
        default_factory=dict,
        description="Other addresses of platforms' APIs than their adapters', with the version: "
        "meta_capi=https://graph.facebook.com/v24.0, comma-separated; a platform's own row comes first.",
    )
    relay_retention_days: PositiveInt = Field(
        90, description="Days that marketing events are kept, with their deliveries and attempts, once all have ended."
    )

    @field_validator("events_users")
    @classmethod
    def _are_producers(cls, users: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse who has no name, and a password that is guessed first."""
        for position, user in enumerate(users, start=1):
            name, _, password = user.get_secret_value().partition(":")
            if not name:
                raise ValueError(f"user {position} must be name:password")
            check_password(password, position)
        return users
