"""Crawls to be run, spelled as operators' scripts spell them: in camelCase or snake_case, lists also as text."""

import re
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from schemas.base import ForeignCommand, Value
from schemas.crawl.tabs import Tab, tabs_of
from schemas.numbers import integer
from schemas.outreach.messages import Bounded, TaskId

#: Where crawls go that do not say.
DEFAULT_REGION = "MX"
#: A crawl that takes longer is stuck; it goes on from its cursor when it is asked for again.
LONGEST_CRAWL = timedelta(hours=12)
#: More campaigns than that are no selection.
MAX_CAMPAIGNS = 1000
#: How many creators a search loads that does not say.
DEFAULT_CREATORS = 400


def _spelled(*names: str, default: Any = None) -> Any:
    """Declare a field that publishers spell in several ways; the first spelling is ours."""
    return Field(default=default, validation_alias=AliasChoices(*names), serialization_alias=names[0])


def _words(value: Any) -> Any:
    """Read a list of texts that may come as one text, parted by commas; a number is a text too."""
    if value is None:
        return []
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return [str(word).strip() for word in value if str(word).strip()] if isinstance(value, list | tuple) else value


def _ids(value: Any) -> Any:
    """Read ids that may come as a list, as text parted by commas or spaces, or as one number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    return _words(re.sub(r"[\s;]+", ",", value) if isinstance(value, str) else value)


def _tabs(value: Any) -> Any:
    return [] if value is None else tabs_of(value)


def _whole(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is not a number")  # noqa: TRY004  pydantic tells of ValueErrors
    return integer(value)


def _or_false(value: Any) -> Any:
    return False if value is None or value == "" else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Words = Annotated[list[Text], BeforeValidator(_words)]
CampaignIds = Annotated[list[Text], Field(max_length=MAX_CAMPAIGNS), BeforeValidator(_ids)]
Region = Annotated[
    str,
    BeforeValidator(lambda value: value or DEFAULT_REGION),
    StringConstraints(strip_whitespace=True, to_upper=True, max_length=32),
]
Claim = Annotated[bool, BeforeValidator(_or_false)]
Whole = Annotated[int | None, BeforeValidator(_whole)]
Positive = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_whole)]


class _Crawl(ForeignCommand):
    """What every crawl may be told: where, as whom, how long, and whether a table is wanted as well."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    region: Region = DEFAULT_REGION
    account_name: Text | None = None
    operator_id: Text | None = None
    export_excel: Claim = False
    max_runtime_seconds: Positive = _spelled(
        "maxRuntimeSeconds", "max_runtime_seconds", "messageTimeoutSeconds", "message_timeout_seconds"
    )
    max_runtime_hours: Positive = _spelled(
        "maxRuntimeHours", "max_runtime_hours", "messageTimeoutHours", "message_timeout_hours"
    )

    @property
    def longest(self) -> timedelta:
        """How long the crawl may take; nothing said, or more than is sensible, is `LONGEST_CRAWL`."""
        told = timedelta(seconds=min(self.max_runtime_seconds or 0, 10**9))
        told = told or timedelta(hours=min(self.max_runtime_hours or 0, 10**6))
        return min(told, LONGEST_CRAWL) if told else LONGEST_CRAWL


class CrawlSamples(_Crawl):
    """Read the sample requests of some campaigns, or of all, from some tabs of the seller's page.

    `campaigns` names them; with none of them all pages are to be asked for (`scanAllPages`).

    `manualLogin` is taken from publishers that say it, and changes nothing: nobody sits before a worker. Whoever wants
    to type a login code runs `mesh crawl` with an account that has no mailbox.
    """

    key: ClassVar[str] = "crawl.samples"

    function: Literal["sample"] = "sample"
    campaign_id: Text | None = None
    campaign_ids: CampaignIds = Field(default_factory=list)
    tabs: Annotated[list[Tab], BeforeValidator(_tabs)] = Field(
        default_factory=lambda: [Tab.COMPLETED],
        validation_alias=AliasChoices("tabs", "tab"),
    )
    expand_view_content: Claim = True
    view_logistics: Claim = False
    scan_all_pages: Claim = False
    max_pages: Positive = None
    manual_login: Claim = False

    @model_validator(mode="after")
    def _is_bounded(self) -> Self:
        if not self.campaigns and not self.scan_all_pages and self.max_pages is None:
            raise ValueError("names no campaignId, and asks for neither scanAllPages nor maxPages")
        if not self.tabs:
            raise ValueError("names no tab")
        return self

    @property
    def campaigns(self) -> list[str]:
        """The campaigns to look for, each once; empty for whatever there is."""
        return list(dict.fromkeys([*([self.campaign_id] if self.campaign_id else []), *self.campaign_ids]))

    @property
    def reads_all_pages(self) -> bool:
        """Whether every page is read: of a campaign always, of all samples when asked for."""
        return self.scan_all_pages or bool(self.campaigns)


class SearchStrategy(Value):
    """Which creators to look for, as the filters of the search page; what is None or empty is not filtered by."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    search_keywords: Words = Field(
        default_factory=list,
        validation_alias=AliasChoices("searchKeywords", "search_keywords", "searchKeyword", "search_keyword"),
        serialization_alias="searchKeywords",
    )
    product_category: Words = Field(
        default_factory=list,
        validation_alias=AliasChoices("productCategory", "product_category", "productCategories", "product_categories"),
        serialization_alias="productCategory",
    )
    fans_age_range: Words = Field(default_factory=list)
    fans_gender: Text | None = None
    content_type: Words = Field(
        default_factory=list,
        validation_alias=AliasChoices("contentType", "content_type", "contentTypes", "content_types"),
        serialization_alias="contentType",
    )
    gmv: Words = Field(default_factory=list)
    sales: Words = Field(default_factory=list)
    min_gmv: Whole = _spelled("minGmv", "min_gmv", "min_GMV", "minGMV")
    min_sales: Whole = None
    min_fans: Whole = None
    avg_views: Whole = _spelled("avgViews", "avg_views", "minAvgViews", "min_avg_views")
    min_engagement_rate: Whole = None


class CrawlCreators(_Crawl):
    """Search creators for an outreach task, read each one's page, and hand them to the task.

    Without `task_id` the creators are only stored. `task_metadata` is what the task says of itself, for crawlers that
    cannot ask.
    """

    key: ClassVar[str] = "crawl.creators"

    task_id: TaskId | None = None
    platform: Text = "tiktok"
    brand_name: Text | None = None
    search_keyword: Text | None = None
    search_strategy: SearchStrategy = SearchStrategy()
    max_creators_to_load: Annotated[Annotated[int, Field(ge=1)], BeforeValidator(_whole)] = DEFAULT_CREATORS
    task_metadata: Bounded | None = None

    @property
    def keywords(self) -> list[str]:
        """What to type into the search, the first one first."""
        return self.search_strategy.search_keywords or _words(self.search_keyword)


class CrawlCampaigns(_Crawl):
    """Read campaigns and their approved products; all of them, unless some are named."""

    key: ClassVar[str] = "crawl.campaigns"

    campaign_id: Text | None = None
    campaign_ids: CampaignIds = Field(default_factory=list)
    scan_all_pages: Annotated[bool | None, BeforeValidator(lambda value: None if value == "" else value)] = None
    max_pages: Positive = None

    @property
    def campaigns(self) -> list[str]:
        """The campaigns to look for, each once; empty for whatever there is."""
        return list(dict.fromkeys([*([self.campaign_id] if self.campaign_id else []), *self.campaign_ids]))

    @property
    def reads_all_pages(self) -> bool:
        """Whether every page is read: as told, else if no campaign is named."""
        return not self.campaigns if self.scan_all_pages is None else self.scan_all_pages
