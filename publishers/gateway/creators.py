"""The routes of creators, campaigns and products: rows in, and when a creator was written to before."""

from collections.abc import Mapping

from starlette.responses import Response

from brokers.topology import (
    CREATORS_CAMPAIGNS_INGEST,
    CREATORS_HISTORY_TELL,
    CREATORS_INGEST,
    CREATORS_PRODUCTS_INGEST,
)
from publishers.gateway.asking import Asking, check_rows
from publishers.gateway.errors import Refusal, unavailable
from publishers.gateway.ports import Desk
from schemas.creators.messages import TellCreatorHistory

CREATORS = "/creators/ingest"
HISTORY = "/creators/history"
CAMPAIGNS = "/campaigns/ingest"
PRODUCTS = "/products/ingest"


class History(Asking):
    """The route of a question: nobody asks later what became of it, so without an answer in time there is none."""

    def examine(self, message: TellCreatorHistory) -> None:
        """Refuse a question about nobody."""
        if not message.names_somebody:
            raise Refusal(400, "Name the creator: creatorId, creatorUsername or creatorName")

    async def unanswered(self, message_id: str, headers: dict[str, str]) -> Response:  # noqa: ARG002 -- as Asking's
        """Answer that the question may be asked again."""
        raise unavailable("There was no answer in time; ask again")


def routes(desk: Desk) -> Mapping[str, Asking]:
    """Return the routes by path."""
    return {
        CREATORS: Asking(desk, CREATORS_INGEST, check=check_rows),
        CAMPAIGNS: Asking(desk, CREATORS_CAMPAIGNS_INGEST, check=check_rows),
        PRODUCTS: Asking(desk, CREATORS_PRODUCTS_INGEST, check=check_rows),
        HISTORY: History(desk, CREATORS_HISTORY_TELL),
    }
