"""Every setting of the mesh, in one place: its name, its default and one sentence about it.

Values come from the environment (prefix `MESH_`), then from `.env`. Only the composition root reads them; everything
else is handed what it needs. `python -m settings` prints `.env.example`.
"""

from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.relay.messages import MAX_EVENTS

#: A comma-separated value; pydantic-settings would otherwise expect JSON.
Words = Annotated[tuple[str, ...], NoDecode]
Secrets = Annotated[tuple[SecretStr, ...], NoDecode]
#: From when to when nothing is sent, by region; the span may cross midnight.
QuietHours = Annotated[dict[str, tuple[time, time]], NoDecode]
#: Addresses by name.
Urls = Annotated[dict[str, str], NoDecode]
Port = Annotated[int, Field(ge=0, le=65535)]

#: RabbitMQ 4 refuses messages over 16 MiB, so a larger body could be accepted here and never be published.
LARGEST_MESSAGE = 16 * 1024 * 1024
#: A person's password is tried by whoever reaches the port; a generated one is longer anyway.
SHORTEST_PASSWORD = 8
#: TikTok's own have 32 or more; the shortest that cannot be guessed by trying.
SHORTEST_CLIENT_SECRET = 16


class Settings(BaseSettings):
    """What an operator may decide; a service address left out means the private one that `mesh up` starts."""

    model_config = SettingsConfigDict(
        env_prefix="MESH_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # A mistaken value is named in the error, never repeated: it may be a secret.
        hide_input_in_errors=True,
    )

    broker_url: SecretStr | None = Field(
        None,
        description="AMQP address of RabbitMQ, or those of a cluster's nodes, comma-separated; without it `mesh up` "
        "starts a private node.",
    )
    broker_management_url: SecretStr | None = Field(
        None,
        description="Address of RabbitMQ's management API, with user and password; without it `mesh queues` shows "
        "depths and consumers only.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="SQLAlchemy address of the database, mysql+asyncmy://… or sqlite+aiosqlite://…; without it SQLite "
        "in MESH_DATA_DIR.",
    )
    redis_url: SecretStr | None = Field(
        None, description="Address of Redis, which keeps the status of messages; without it `mesh up` starts one."
    )

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

    metrics_host: str = Field("127.0.0.1", description="Interface on which workers and publishers show their metrics.")
    worker_metrics_port: Port = Field(0, description="Port of a worker's Prometheus metrics; 0 shows none.")
    publishers_metrics_port: Port = Field(0, description="Port of the publishers' Prometheus metrics; 0 shows none.")
    publishers_lease_seconds: PositiveFloat = Field(
        25,
        le=600,
        description="How long rows taken by a publisher that died wait for another; longer than a publish may take "
        "(20 s), or a slow one is repeated under the same message id.",
    )
    drain_seconds: PositiveFloat = Field(
        25,
        description="How long a stopping process may finish what it has begun; keep it under the supervisor's own "
        "patience (30 s in Kubernetes).",
    )

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
    encryption_keys: Secrets = Field(
        (),
        description="Fernet keys of the secrets in SQL, comma-separated, the current one first; `mesh up` makes one; "
        "without any, nothing that opens secrets starts.",
    )

    samples_default_region: str = Field("MX", description="Region of a sample row that names none.")
    retention_days: PositiveInt = Field(180, description="Days that crawl logs and settled chat deliveries are kept.")

    chatbot_sender: Literal["development", "browser"] = Field(
        "development",
        description="Who sends chat messages: `browser` types them into the sellers' chat page as the accounts of "
        "MESH_ACCOUNTS_FILE, `development` sends nothing, it records each message in SQL and the log.",
    )
    chatbot_regions: Words = Field(("MX",), description="Regions in which creators are written to, comma-separated.")
    chatbot_quiet_hours: QuietHours = Field(
        default_factory=dict,
        description="Local hours by region in which nothing is sent: MX=21:00-09:00,BR=22:00-08:00; none by default.",
    )
    chatbot_daily_cap: NonNegativeInt = Field(
        10,
        description="Most chat tasks that one creator is sent in one local day; the rest wait for the next; 0 means no "
        "cap.",
    )
    chatbot_link_template: str = Field(
        "https://creator.infound.ai/samples/{sampleId}",
        description="Link to a sample in chat messages; {sampleId} is replaced.",
    )
    chatbot_poll_seconds: PositiveFloat = Field(5, description="How often due chat schedules are looked for.")

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
    accounts_file: Path | None = Field(
        None,
        description="JSON file of the sellers' accounts that browsers drive: name, login_email, region, operator_id, "
        "mailbox; its secrets stay in the environment or sealed.",
    )
    site_url: str | None = Field(
        None, description="Address of the seller centre, if that is not its region's own (a stand-in)."
    )
    chromium_path: Path | None = Field(
        None, description="The browser's program; without it the system's Chromium, else Playwright's own."
    )
    chromium_sandbox: bool = Field(
        True,
        description="Whether the browser isolates pages in the kernel's sandbox; root, and containers without user "
        "namespaces, must do without.",
    )
    crawl_headless: bool = Field(True, description="Whether browsers work without a window.")
    crawl_steps_per_minute: float = Field(
        20, ge=0, description="Steps a minute of one account on the site (pages, drawers), unevenly; 0 means no limit."
    )
    crawl_hours: QuietHours = Field(
        default_factory=dict,
        description="Local hours by region in which accounts work: MX=08:00-22:00,ES=09:00-21:00; always by default.",
    )
    crawl_browser_pages: PositiveInt = Field(150, description="Pages after which a browser is replaced by a fresh one.")
    crawl_turn_minutes: PositiveFloat = Field(
        10,
        le=25,
        description="How long a crawl runs in one go before others have their turn; RabbitMQ takes back what is not "
        "acked within 30 minutes.",
    )

    data_dir: Path = Field(
        Path(".mesh"), description="Folder of the private services, their data, logs and generated secrets."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "console"] = Field(
        "json", description="Log lines as JSON, or coloured for people with `console`."
    )
    otel_endpoint: str | None = Field(
        None, description="OTLP address that spans are sent to; without it nothing is traced."
    )

    @field_validator(
        "service_tokens",
        "admin_users",
        "events_users",
        "relay_allowed_hosts",
        "encryption_keys",
        "chatbot_regions",
        "tiktok_client_secrets",
        "tiktok_business_ids",
        "replies_allowed_links",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _words(value) if isinstance(value, str) else value

    @field_validator("tiktok_client_key", "model_base_url", "model_api_key", mode="before")
    @classmethod
    def _none_if_empty(cls, value: Any) -> Any:
        """Take a variable that is set to nothing, as compose files set it, for one that is not set."""
        return value or None

    @field_validator("service_tokens")
    @classmethod
    def _are_sendable(cls, tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse a token that no client could put in a header."""
        for position, token in enumerate(tokens, start=1):
            text = token.get_secret_value()
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"token {position} must be printable ASCII")
        return tokens

    @field_validator("admin_users")
    @classmethod
    def _are_people(cls, users: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse whom the admin API could not read, and a password that is guessed first."""
        for position, user in enumerate(users, start=1):
            name, _, rest = user.get_secret_value().partition(":")
            password, _, roles = rest.rpartition(":")
            if not name or not set(roles.split("+")) <= {"read", "admin", "secrets"}:
                raise ValueError(f"user {position} must be name:password:role, the role read, admin or secrets")
            _check_password(password, position)
        return users

    @field_validator("events_users")
    @classmethod
    def _are_producers(cls, users: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse who has no name, and a password that is guessed first."""
        for position, user in enumerate(users, start=1):
            name, _, password = user.get_secret_value().partition(":")
            if not name:
                raise ValueError(f"user {position} must be name:password")
            _check_password(password, position)
        return users

    @field_validator("tiktok_client_secrets")
    @classmethod
    def _are_secret(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        """Refuse a secret that whoever signs notifications of their own would try first."""
        for position, secret in enumerate(secrets, start=1):
            if len(secret.get_secret_value()) < SHORTEST_CLIENT_SECRET:
                raise ValueError(f"secret {position} needs {SHORTEST_CLIENT_SECRET} characters or more")
        return secrets

    @field_validator("relay_base_urls", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        parts = (word.partition("=") for word in _words(value))
        return {name.strip(): url.strip() for name, _, url in parts}

    @field_validator("chatbot_regions")
    @classmethod
    def _are_upper(cls, regions: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(region.upper() for region in regions)

    @field_validator("chatbot_quiet_hours", "crawl_hours", mode="before")
    @classmethod
    def _spans(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        spans = {}
        for word in _words(value):
            region, _, span = word.partition("=")
            begin, _, end = span.partition("-")
            spans[region.strip().upper()] = (begin.strip(), end.strip())
        return spans

    @field_validator("chatbot_link_template")
    @classmethod
    def _names_the_sample(cls, template: str) -> str:
        if "{sampleId}" not in template:
            raise ValueError("must contain {sampleId}")
        return template

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value


def _check_password(password: str, position: int) -> None:
    if len(password) < SHORTEST_PASSWORD or password.lower() in {"changeme", "password", "12345678"}:
        raise ValueError(f"user {position} needs an uncommon password of {SHORTEST_PASSWORD} characters or more")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def example() -> str:
    """Return `.env.example`: every setting with its sentence, commented out, at its default."""
    lines = ["# Settings of the mesh, at their defaults. Copy to .env and uncomment what you change.", ""]
    for name, field in Settings.model_fields.items():
        lines += [f"# {field.description}", f"# MESH_{name.upper()}={_default(field)}", ""]
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if not value and not isinstance(value, int):
        return ""
    return ",".join(value) if isinstance(value, tuple) else str(value)


if __name__ == "__main__":
    print(example(), end="")  # noqa: T201 -- it is this command's output
