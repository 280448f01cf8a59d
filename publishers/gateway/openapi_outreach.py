"""The OpenAPI of the routes of creators, campaigns, products and outreach: stand-ins that are never mounted."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import Field

from publishers.gateway import creators, outreach
from publishers.gateway.envelope import Accepted, Envelope
from publishers.gateway.openapi_words import LOCATION, PUBLISHING, QUEUEING, IdempotencyKey, Prefer, Queued
from schemas.creators.messages import (
    IngestCampaigns,
    IngestCampaignsResult,
    IngestCreators,
    IngestCreatorsResult,
    IngestProducts,
    IngestProductsResult,
    TellCreatorHistory,
    TellCreatorHistoryResult,
)
from schemas.outreach.messages import (
    MAX_CONTACTS,
    ControlOutreach,
    CountProgress,
    CountProgressResult,
    CreatorToContact,
    IngestOutreachTask,
    IngestOutreachTaskResult,
)

#: What a route answers whose result may take longer than its caller waits.
_ASKING: dict[int | str, dict[str, Any]] = {**PUBLISHING, 202: {"model": Envelope[Accepted], "headers": LOCATION}}


def describe(router: APIRouter) -> None:
    """Add the routes to what is documented."""
    _creators(router)
    _tasks(router)
    _chatbot(router)


def _creators(router: APIRouter) -> None:
    @router.post(creators.CREATORS, tags=["creators"], response_model=Envelope[IngestCreatorsResult], responses=_ASKING)
    def ingest_creators(body: IngestCreators, idempotency_key: IdempotencyKey = None, prefer: Prefer = None) -> None:
        """Store what a crawl saw of creators: the newest observation wins, and what a row leaves out erases nothing.

        A row without `platformCreatorId` is skipped. With the options `taskId` and `contact: true` the creators are
        handed to that outreach task once they are stored. Answered like `/samples/ingest`.
        """

    @router.post(
        creators.HISTORY, tags=["creators"], response_model=Envelope[TellCreatorHistoryResult], responses=PUBLISHING
    )
    def tell_creator_history(
        body: TellCreatorHistory, idempotency_key: IdempotencyKey = None, prefer: Prefer = None
    ) -> None:
        """Tell the messages that were sent to a creator, the latest first; crawls are not among them.

        The creator goes by id, or by username, whatever its case. A display name alone names nobody.
        """

    @router.post(
        creators.CAMPAIGNS, tags=["creators"], response_model=Envelope[IngestCampaignsResult], responses=_ASKING
    )
    def ingest_campaigns(body: IngestCampaigns, idempotency_key: IdempotencyKey = None, prefer: Prefer = None) -> None:
        """Store what a crawl saw of campaigns, each by its id and shop."""

    @router.post(creators.PRODUCTS, tags=["creators"], response_model=Envelope[IngestProductsResult], responses=_ASKING)
    def ingest_products(body: IngestProducts, idempotency_key: IdempotencyKey = None, prefer: Prefer = None) -> None:
        """Store what a crawl saw of the products of campaigns."""


def _tasks(router: APIRouter) -> None:
    @router.post(
        outreach.TASKS, tags=["outreach"], response_model=Envelope[IngestOutreachTaskResult], responses=_ASKING
    )
    def ingest_outreach_task(
        body: IngestOutreachTask, idempotency_key: IdempotencyKey = None, prefer: Prefer = None
    ) -> None:
        """Store an outreach task, or what changed of one: fields that are not mentioned stay as they are.

        Times without a zone are those of the task's region. A task that is pending is started at its `runAtTime`, and
        one that runs ends at its `runEndTime`, its `targetNewCreators` or its `maxCreators`. Fields that could not be
        applied are told in `ignored`, with the reason.
        """

    @router.post(outreach.PROGRESS, tags=["outreach"], response_model=Envelope[CountProgressResult], responses=_ASKING)
    def count_progress(body: CountProgress, idempotency_key: IdempotencyKey = None, prefer: Prefer = None) -> None:
        """Count creators that somebody else has written to. Those that the mesh writes to are counted by itself."""


def _chatbot(router: APIRouter) -> None:
    @router.post(outreach.MESSAGES, tags=["chatbot"], response_model=Envelope[Queued], responses=QUEUEING)
    def decide_contacts(
        body: Annotated[list[CreatorToContact], Field(min_length=1, max_length=MAX_CONTACTS), Body()],
        idempotency_key: IdempotencyKey = None,
        prefer: Prefer = None,
    ) -> None:
        """Hand creators to an outreach task: who of them is written to, and what, is decided by task and history.

        A creator is written to once per task, however often this is repeated.
        """

    @router.post(outreach.CONTROL, tags=["chatbot"], response_model=Envelope[Queued], responses=PUBLISHING)
    def control_outreach(body: ControlOutreach, idempotency_key: IdempotencyKey = None, prefer: Prefer = None) -> None:
        """Start, end, pause, resume or cancel an outreach task.

        `start` lets its creators be written to, and with `crawl: true` also searches for them; `end` says that no more
        creators will be handed over. A paused task's creators wait until `resume`; `cancel` is for good.
        """
