"""What is said of a tagging server, and what is shown of it."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

from publishers.admin.desk import UNSAID, Body, Printable, RowNumber, line

ContainerId = Annotated[str, StringConstraints(pattern=r"^GTM-[A-Za-z0-9]+$", max_length=50)]
MeasurementId = Annotated[str, StringConstraints(pattern=r"^G-[A-Za-z0-9]+$", max_length=50)]
Path = Annotated[str, line(100), StringConstraints(pattern=r"^[!-~]+$")]
Secret = Annotated[str, line(1000), Printable]
ClientType = Literal["ga4", "custom"]

#: A header's name (RFC 9110, 5.1), and those that belong to the connection or to us.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_OURS = frozenset(
    {"connection", "content-length", "content-type", "expect", "host", "te", "transfer-encoding", "upgrade"}
)
_MOST_HEADERS, _LONGEST_HEADER = 20, 4000


class _Server(Body):
    """What both bodies check alike."""

    @field_validator("sgtm_url", check_fields=False)
    @classmethod
    def _has_no_end(cls, url: str) -> str:
        if "?" in url or "#" in url:
            raise ValueError("must have no query and no fragment")
        return url.rstrip("/")

    @field_validator("custom_endpoint_path", check_fields=False)
    @classmethod
    def _begins_with_a_slash(cls, path: str) -> str:
        return "/" + path.lstrip("/")

    @field_validator("custom_headers", check_fields=False)
    @classmethod
    def _are_headers(cls, headers: dict[str, str] | None) -> dict[str, str] | None:
        for name, value in (headers or {}).items():
            if not _TOKEN.fullmatch(name) or name.lower() in _OURS:
                raise ValueError("has a name that no header of yours can have")
            if not value.isascii() or not value.isprintable() or len(value) > _LONGEST_HEADER:
                raise ValueError(f"has a value that is not printable ASCII of at most {_LONGEST_HEADER} characters")
        return headers


class NewSgtmConfig(_Server):
    """A storefront's tagging server; `api_secret` and `custom_headers` are never shown again in clear."""

    storefront_id: RowNumber
    sgtm_url: Annotated[str, line(500)]
    client_type: ClientType = "ga4"
    container_id: ContainerId | None = None
    measurement_id: MeasurementId | None = None
    api_secret: Secret | None = None
    custom_endpoint_path: Path = "/collect"
    custom_headers: Annotated[dict[str, str], Field(max_length=_MOST_HEADERS)] | None = None
    is_active: bool = True


class SgtmConfigChange(_Server):
    """What may be changed; a secret that is sent as it was shown, masked, stays what it was."""

    sgtm_url: Annotated[str, line(500)] = UNSAID
    client_type: ClientType = UNSAID
    container_id: ContainerId | None = None
    measurement_id: MeasurementId | None = None
    api_secret: Secret | None = None
    custom_endpoint_path: Path = UNSAID
    custom_headers: Annotated[dict[str, str], Field(max_length=_MOST_HEADERS)] | None = None
    is_active: bool = UNSAID


class SgtmConfigShown(BaseModel):
    """A tagging server, its secrets masked unless they were asked for in clear."""

    id: int
    storefront_id: int
    sgtm_url: str
    client_type: str
    container_id: str | None
    measurement_id: str | None
    api_secret: str | None
    custom_endpoint_path: str
    custom_headers: dict[str, str] | None
    is_active: bool
    created_at: datetime
    updated_at: datetime
