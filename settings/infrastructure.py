"""Settings of what the mesh stands on."""

from pathlib import Path

from pydantic import BaseModel, Field, SecretStr

from settings.types import Secrets


class InfrastructureSettings(BaseModel):
    """The services the mesh stands on; an address left out means the private one that `mesh up` starts."""

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
    encryption_keys: Secrets = Field(
        (),
        description="Fernet keys of the secrets in SQL, comma-separated, the current one first; `mesh up` makes one; "
        "without any, nothing that opens secrets starts.",
    )
    data_dir: Path = Field(
        Path(".mesh"), description="Folder of the private services, their data, logs and generated secrets."
    )
