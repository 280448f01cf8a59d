"""What crawlers say about creators, campaigns and products, and what they are answered."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, StringConstraints

from schemas.base import ForeignCommand, Value
from schemas.ingestion import TASK_ID_LENGTH, Page, PageResult, RejectedRow

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]

#: How much of a creator's history is told unless asked for.
USUAL_HISTORY = 20


def _short(told: object) -> str | None:
    """Return an option that is a name, cut to what names are; other things are none."""
    return told.strip()[:255] or None if isinstance(told, str) else None


class IngestCreators(Page):
    """Take in creator rows as a crawler saw them.

    Of the options two are acted on: `taskId` names the outreach task that the crawl serves, and with `contact` true
    the creators of these rows are handed to that task once the rows are stored.
    """

    key: ClassVar[str] = "creators.ingest"

    @property
    def task_id(self) -> str | None:
        """The outreach task that the crawl serves."""
        told = self.option("taskId", "task_id")
        named = str(told).strip() if isinstance(told, str | int) and not isinstance(told, bool) else ""
        return named if 0 < len(named) <= TASK_ID_LENGTH else None

    @property
    def account_name(self) -> str | None:
        """The account that the crawl ran as."""
        return _short(self.option("accountName", "account_name"))

    @property
    def brand_name(self) -> str | None:
        """The brand that creators are looked for."""
        return _short(self.option("brandName", "brand_name"))

    @property
    def wants_contact(self) -> bool:
        """Whether the creators are to be written to for that task."""
        return self.task_id is not None and self.option("contact") is True


class IngestCampaigns(Page):
    """Take in campaigns as a crawler saw them."""

    key: ClassVar[str] = "creators.campaigns.ingest"


class IngestProducts(Page):
    """Take in the products of campaigns as a crawler saw them."""

    key: ClassVar[str] = "creators.products.ingest"


class IngestCreatorsResult(PageResult):
    """What became of a page of creators: rows logged, and distinct creators among them."""

    creators: int


class IngestCampaignsResult(PageResult):
    """What became of a page of campaigns: rows stored, distinct campaigns among them, and values left out."""

    campaigns: int
    ignored: list[RejectedRow] = Field(default_factory=list)


class IngestProductsResult(PageResult):
    """What became of a page of products: rows stored, distinct products among them, and values left out."""

    products: int
    ignored: list[RejectedRow] = Field(default_factory=list)


class TellCreatorHistory(ForeignCommand):
    """Tell when a creator was written to before; the creator goes by id, by username, or by either as a name.

    A display name alone names nobody: people share it.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    key: ClassVar[str] = "creators.history.tell"

    creator_id: Name | None = None
    creator_name: Name | None = None
    creator_username: Name | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = USUAL_HISTORY

    @property
    def names_somebody(self) -> bool:
        """Whether it says of whom."""
        return bool(self.creator_id or self.creator_name or self.creator_username)


class Contacted(Value):
    """One time that a creator was written to: for which brand, and what the creator's chat showed by then."""

    connect: bool | None
    reply: bool | None
    brand_name: str | None


class TellCreatorHistoryResult(Value):
    """When a creator was written to before, the latest time first."""

    records: list[Contacted]
