"""Settings of the replies to direct messages."""

from pydantic import BaseModel, Field, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr, field_validator

from settings.types import Secrets, Words

#: TikTok's own have 32 or more; the shortest that cannot be guessed by trying.
SHORTEST_CLIENT_SECRET = 16


class RepliesSettings(BaseModel):
    """The sales bot in TikTok's direct messages: the app, its pace, its stock and its model."""

    tiktok_client_key: str | None = Field(
        None, description="Key of the TikTok app; a notification for another app is kept and never answered."
    )
    tiktok_client_secrets: Secrets = Field(
        (),
        description="Secrets of the TikTok app, comma-separated, the current one first, two while one is replaced; "
        "without any, the gateway takes no notifications. `mesh up` makes one.",
    )
    tiktok_business_ids: Words = Field(
        (),
        description="Business accounts that are answered for, comma-separated; by default every one that has a token.",
    )
    tiktok_base_url: str = Field(
        "https://business-api.tiktok.com/open_api/v1.3", description="Address of TikTok's API, with the version."
    )
    tiktok_authorize_url: str = Field(
        "https://www.tiktok.com/v2/auth/authorize",
        description="Where the owner of a business account lets the app speak for it.",
    )
    tiktok_signature_tolerance_seconds: PositiveInt = Field(
        300,
        description="How far a signature's time may be from ours; too little refuses what TikTok repeats for 72 hours.",
    )
    tiktok_sends_a_minute: PositiveInt = Field(
        30, le=600, description="Most messages a minute for each business account; TikTok allows ten a second."
    )
    replies_debounce_seconds: float = Field(
        2,
        ge=0,
        le=60,
        description="How long a customer who goes on writing is waited for before all of it gets one reply; 0 replies "
        "to each message.",
    )
    replies_context_messages: int = Field(
        10, ge=5, le=50, description="How many of the last messages the model is told of."
    )
    replies_inbound_a_minute: PositiveInt = Field(
        10, description="Most messages a minute that are answered for each customer; more are kept, not answered."
    )
    replies_handoff_hours: PositiveFloat = Field(
        12, description="How long the bot is silent once a person of the shop has taken over a conversation."
    )
    replies_retention_days: int = Field(
        30,
        ge=7,
        description="Days that notifications and what was said are kept; TikTok repeats a notification for three.",
    )
    replies_allowed_links: Words = Field(
        (), description="Hosts that a reply may link to, comma-separated; none by default."
    )
    stock_hold_minutes: PositiveInt = Field(30, description="How long a piece is held for a customer.")
    stock_holds_a_customer: PositiveInt = Field(2, description="Most pieces held for one customer at once.")
    stock_pay_hours: PositiveInt = Field(24, description="How long an order waits to be paid before it is cancelled.")
    model_base_url: str | None = Field(
        None,
        description="Address of an OpenAI-compatible API that reads what the router does not understand; without it "
        "a local text matcher does.",
    )
    model_api_key: SecretStr | None = Field(None, description="Key of that API.")
    model_name: str = Field("gpt-4o", description="Model to ask there.")
    model_calls_a_customer_day: NonNegativeInt = Field(
        50, description="Most questions to the model for one customer in one day; more are answered without it."
    )
    model_seconds: PositiveFloat = Field(
        20, le=60, description="Longest time the model is waited for, tries included, before a template answers."
    )

    @field_validator("tiktok_client_secrets")
    @classmethod
    def _are_secret(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse a secret that whoever signs notifications of their own would try first."""
        for position, secret in enumerate(secrets, start=1):
            if len(secret.get_secret_value()) < SHORTEST_CLIENT_SECRET:
                raise ValueError(f"secret {position} needs {SHORTEST_CLIENT_SECRET} characters or more")
        return secrets
