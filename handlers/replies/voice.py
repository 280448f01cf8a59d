"""What sending replies needs besides the database."""

from dataclasses import dataclass

from adapters.replies.pace import Pace
from adapters.replies.port import TikTok
from adapters.vault import Vault


@dataclass(frozen=True, slots=True)
class Voice:
    """TikTok, the keys of the accounts' tokens, and the accounts' pace."""

    tiktok: TikTok
    vault: Vault
    pace: Pace
