"""Settings of every process."""

from typing import Any, Literal

from pydantic import BaseModel, Field, PositiveFloat, field_validator

from settings.types import Port


class ProcessSettings(BaseModel):
    """What every process of the mesh does alike: logs, metrics, spans, how it stops."""

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
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")
    log_format: Literal["json", "console"] = Field(
        "json", description="Log lines as JSON, or coloured for people with `console`."
    )
    otel_endpoint: str | None = Field(
        None, description="OTLP address that spans are sent to; without it nothing is traced."
    )

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value
