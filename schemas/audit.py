"""Who wrote a row."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Who wrote a row, and when; `creator_id` is the operator, never the TikTok creator."""

    creator_id: str
    creation_time: datetime
    last_modifier_id: str
    last_modification_time: datetime
