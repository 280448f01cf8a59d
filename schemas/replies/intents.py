"""What a customer may mean, and how whoever reads a message says so."""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field


class Intent(StrEnum):
    """What a message asks for."""

    MENU = "MENU"
    ORDER_STATUS = "ORDER_STATUS"
    NEW_DROPS = "NEW_DROPS"
    HUMAN = "HUMAN"
    SEARCH = "SEARCH"
    SIZE = "SIZE"
    AVAILABILITY = "AVAILABILITY"
    RESERVE = "RESERVE"
    CANCEL_HOLD = "CANCEL_HOLD"
    GREETING = "GREETING"
    OTHER = "OTHER"
    #: Asks for a lower price.
    HAGGLE = "HAGGLE"
    #: Below here only fixed words are understood: no guess may change what is stored.
    ITEM = "ITEM"
    HOLD = "HOLD"
    RELEASE = "RELEASE"
    BUY = "BUY"
    WAIT = "WAIT"
    CONFIRM = "CONFIRM"
    DECLINE = "DECLINE"
    #: Nothing to read: a picture, a sticker, a shared post, a smile.
    WORDLESS = "WORDLESS"


#: What may be guessed at; none of it changes stock, holds or orders without a further word of the customer's.
GUESSED: Final = frozenset(
    {
        Intent.MENU,
        Intent.ORDER_STATUS,
        Intent.NEW_DROPS,
        Intent.HUMAN,
        Intent.SEARCH,
        Intent.SIZE,
        Intent.AVAILABILITY,
        Intent.RESERVE,
        Intent.CANCEL_HOLD,
        Intent.GREETING,
        Intent.OTHER,
        Intent.HAGGLE,
    }
)

#: Below that a guess is answered with a question.
SURE: Final = 0.6


class Guess(BaseModel):
    """What a reader takes a message to mean; every field is there, what was not said is null.

    `opening` is one friendly sentence without any fact: facts are told by code.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intent: Literal[
        "MENU",
        "ORDER_STATUS",
        "NEW_DROPS",
        "HUMAN",
        "SEARCH",
        "SIZE",
        "AVAILABILITY",
        "RESERVE",
        "CANCEL_HOLD",
        "GREETING",
        "OTHER",
        "HAGGLE",
    ]
    confidence: Annotated[float, Field(ge=0, le=1)]
    query: str | None
    sku: str | None
    category: Literal["CLOTHES", "SHOES"] | None
    brand: str | None
    tag_size: str | None
    shoe_size: float | None
    shoe_system: Literal["US", "UK", "CM"] | None
    measurement: Literal["pit_to_pit", "shoulder_to_hem", "waist", "length", "sleeve_length"] | None
    measurement_inches: float | None
    max_price_kes: int | None
    opening: str | None


def guess(intent: Intent, confidence: float, **said: object) -> Guess:
    """Return a guess that says no more than it is told."""
    nothing = dict.fromkeys(Guess.model_fields)
    return Guess.model_validate({**nothing, "intent": intent.value, "confidence": confidence, **said})
