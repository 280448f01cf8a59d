"""Settings of the gateway."""

from pydantic import BaseModel, Field, NonNegativeInt, PositiveInt, SecretStr, field_validator

from settings.types import LARGEST_MESSAGE, Port, Secrets


class GatewaySettings(BaseModel):
    """The gateway: where it listens, who may call it, how much at once."""

    gateway_host: str = Field("127.0.0.1", description="Interface the gateway listens on.")
    gateway_port: Port = Field(8000, description="Port the gateway listens on; 0 picks a free one.")
    gateway_url: str | None = Field(
        None, description="Where clients find the gateway, if that is not its host and port (a proxy, a container)."
    )
    service_tokens: Secrets = Field(
        (),
        description="Tokens that may call the gateway, comma-separated so that one can be replaced while both are "
        "valid; without any, every call is refused.",
    )
    gateway_max_body_bytes: PositiveInt = Field(
        15 * 1024 * 1024,
        le=LARGEST_MESSAGE,
        description="Largest request body; the default stays under the 16 MiB that RabbitMQ 4 allows a message.",
    )
    gateway_max_wait_seconds: float = Field(
        10, ge=0, le=60, description="Longest time a request waits for its result before it is answered with 202."
    )
    gateway_rate_limit: NonNegativeInt = Field(
        0, description="Requests a minute for each token and gateway process; 0 means no limit."
    )

    @field_validator("service_tokens")
    @classmethod
    def _are_sendable(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse a token that no client could put in a header."""
        for position, token in enumerate(tokens, start=1):
            text = token.get_secret_value()
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"token {position} must be printable ASCII")
        return tokens
