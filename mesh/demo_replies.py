"""The conversation of `mesh demo`: a customer writes in TikTok, and the shop answers from stock, holds and orders.

Like the rest of the demo it plays the stranger's part: the customer writes in the TikTok that runs beside the mesh.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from mesh.console import table
from mesh.local_tiktok import Local, put_example_stock
from mesh.running import RunningMesh

CUSTOMER: Final = "wanjiru.k"
CONVERSATION: Final = "cv+demo=="
PATIENCE: Final = 30.0
PIECE: Final = "TH-P-001"

#: What the customer writes, and what the answer must hold.
SCRIPT: Final = (
    ("hi", "1. Order status"),
    ("2", "New in:"),
    ("size L jacket under 10k", PIECE),
    (f"HOLD {PIECE}", PIECE),
    (f"BUY {PIECE}", "YES"),
    ("YES", "PT-"),
    ("where is my order", "waiting for payment"),
)

Finding = tuple[str, object, object]
"""What was looked at, what was expected, and what was found."""


def environment() -> dict[str, str]:
    """Return the settings of a shop whose customer types faster than people do."""
    return {"MESH_REPLIES_DEBOUNCE_SECONDS": "0", "MESH_TIKTOK_BUSINESS_IDS": ""}


@dataclass(frozen=True, slots=True)
class Turn:
    """What a customer wrote, what the shop answered, and how many seconds later."""

    wrote: str
    answers: Sequence[str]
    seconds: float


class RepliesDemonstration:
    """One customer, from a greeting to an order."""

    def __init__(self, mesh: RunningMesh) -> None:
        assert mesh.tiktok
        self._local = Local(mesh.tiktok.base_url)
        self._database_url = mesh.addresses.database_url
        self.turns: list[Turn] = []

    async def talk(self) -> list[Finding]:
        """Write every line of the script once the one before it was answered."""
        await put_example_stock(self._database_url)
        for text, _ in SCRIPT:
            self.turns.append(await self._ask(text))
        held = [any(mark in each for each in turn.answers) for turn, (_, mark) in zip(self.turns, SCRIPT, strict=True)]
        times = sorted(turn.seconds for turn in self.turns)
        return [
            ("a customer's messages in TikTok, each answered once", [1] * len(SCRIPT), self._counts()),
            (f"with what the shop has: half of them within {times[len(times) // 2]:.2f} s", len(SCRIPT), sum(held)),
        ]

    def told(self) -> Table:
        """Return the conversation, to be read."""
        rows = [(turn.wrote, "\n".join(turn.answers), f"{turn.seconds:.2f} s") for turn in self.turns]
        return table("A customer writes in TikTok", ["customer", "shop", "after"], rows)

    def _counts(self) -> list[int]:
        return [len(turn.answers) for turn in self.turns]

    async def _ask(self, text: str) -> Turn:
        before = len(await self._local.talk(CONVERSATION))
        await self._local.write(CONVERSATION, CUSTOMER, text)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            said = await self._local.talk(CONVERSATION, before)
            if answers := [each for each in said if each.by == "shop"]:
                return Turn(text, [each.text for each in answers], answers[0].at - said[0].at)
            await asyncio.sleep(0.02)
        return Turn(text, [], PATIENCE)
