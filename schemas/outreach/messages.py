"""What operators, crawlers and the chatbot say about outreach tasks, and what they are answered."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from schemas.base import Event, ForeignCommand, Message, Value
from schemas.chatbot.records import DeliveryState
from schemas.ingestion import TASK_ID_LENGTH, OperatorId
from schemas.outreach.records import Contact
from schemas.plain_json import canonical, clean
from schemas.shapes import as_tasks

#: A page of the search has a few dozen; all of one message are decided in one transaction.
MAX_CONTACTS = 1000
#: Bytes of JSON that a task, or what is told about one beside a creator, may take.
MAX_TASK_BYTES = 256_000


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else value


def _bounded(value: dict[str, Any] | None) -> dict[str, Any] | None:
    cleaned: dict[str, Any] | None = clean(value)
    if len(canonical(cleaned)) > MAX_TASK_BYTES:
        raise ValueError(f"is larger than {MAX_TASK_BYTES} bytes")
    return cleaned


_CLEAN = BeforeValidator(_without_nul)
TaskId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TASK_ID_LENGTH), _CLEAN]
Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255), _CLEAN]
Bounded = Annotated[dict[str, Any], AfterValidator(_bounded)]


def _spelled(*names: str) -> Any:
    """Declare an optional field that publishers spell in several ways; the first spelling is ours."""
    return Field(default=None, validation_alias=AliasChoices(*names), serialization_alias=names[0])


class IngestOutreachTask(ForeignCommand):
    """Take in an outreach task, whole or in part: what is not mentioned stays as it is."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    key: ClassVar[str] = "outreach.tasks.ingest"

    source: Name | None = None
    operator_id: OperatorId = None
    task: Bounded

    @model_validator(mode="after")
    def _has_an_id_that_fits(self) -> Self:
        if len(self.task_id or "") > TASK_ID_LENGTH:
            raise ValueError(f"task.taskId is longer than {TASK_ID_LENGTH} characters")
        return self

    @property
    def task_id(self) -> str | None:
        """The id that the publisher gave the task, None for a new one without."""
        told = self.task.get("taskId", self.task.get("task_id"))
        return str(told).strip() or None if isinstance(told, str | int) and not isinstance(told, bool) else None


class IgnoredField(Value):
    """A field of a task that was not applied, as sent, and why."""

    field: str
    reason: str


class IngestOutreachTaskResult(Value):
    """The task's id, and the fields that could not be applied, if there were any."""

    task_id: str
    ignored: list[IgnoredField] = Field(default_factory=list)

    @model_serializer(mode="wrap")
    def _without_an_empty_list(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dumped: dict[str, Any] = dump(self)
        if not self.ignored:
            del dumped["ignored"]
        return dumped


class CountProgress(ForeignCommand):
    """Count creators that somebody else has written to for a task."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    key: ClassVar[str] = "outreach.tasks.progress"

    task_id: TaskId
    delta: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    operator_id: OperatorId = None


class CountProgressResult(Value):
    """How many creators have been written to for a task by now."""

    task_id: str
    new_creators_real_count: int


class Action(StrEnum):
    """What an operator, or whoever crawls for a task, may ask of it."""

    START = "start"
    END = "end"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class ControlOutreach(ForeignCommand):
    """Start, end, pause, resume or cancel a task.

    `start` lets its creators be written to, and with `crawl` also searches for them at once. `end` says that no more
    creators will be handed over: the task completes when those that were are done with. `cancel` is for good.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    key: ClassVar[str] = "outreach.tasks.control"

    action: Annotated[Action, BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)]
    task_id: TaskId
    crawl: bool = False
    operator_id: OperatorId = None
    reason: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), _CLEAN] | None = None


class CreatorToContact(Value):
    """A creator who was found for a task; whether and what they are written is decided here.

    `connect` and `reply` are what the creator's chat shows, where whoever hands over the creator has seen it: any
    message at all, and any from the creator's side. `task_metadata` is used for what the task itself does not say.
    """

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    platform_creator_id: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64), _CLEAN
    ] = Field(
        validation_alias=AliasChoices("platformCreatorId", "platform_creator_id", "creatorId", "creator_id"),
        serialization_alias="platformCreatorId",
    )
    task_id: TaskId | None = None
    outreach_task_id: TaskId | None = None
    platform: Name | None = None
    region: Annotated[str, StringConstraints(strip_whitespace=True, max_length=32), _CLEAN] | None = None
    platform_creator_username: Name | None = _spelled(
        "platformCreatorUsername", "platform_creator_username", "creatorUsername", "creator_username"
    )
    platform_creator_display_name: Name | None = _spelled(
        "platformCreatorDisplayName", "platform_creator_display_name", "creatorName", "creator_name"
    )
    account_name: Name | None = None
    operator_id: OperatorId = None
    brand_name: Name | None = None
    only_first: Any = None
    connect: Any = None
    reply: Any = None
    task_metadata: Bounded | None = None


class DecideContacts(
    RootModel[Annotated[list[CreatorToContact], Field(min_length=1, max_length=MAX_CONTACTS)]], Message
):
    """Decide who of these creators is written to, and queue it; an array, an object around one, or a single creator."""

    key: ClassVar[str] = "outreach.contacts.decide"

    @model_validator(mode="before")
    @classmethod
    def _one_shape(cls, body: Any) -> Any:
        return as_tasks(body, MAX_CONTACTS)

    @classmethod
    def of(cls, creators: list[CreatorToContact]) -> Self:
        """Return the message that hands over these creators."""
        return cls.model_validate(creators)

    @property
    def creators(self) -> list[CreatorToContact]:
        """The creators, in the order they were found."""
        return self.root


def handed_over(contact: Contact) -> CreatorToContact:
    """Return a contact that waits as the creator who is to be decided on."""
    return CreatorToContact(
        platform_creator_id=contact.platform_creator_id,
        outreach_task_id=contact.task_id,
        platform=contact.platform,
    )


class ChatOutcome(Event):
    """What became of a chat task that an outreach task asked for; under the key `chatbot.outcome.<state>`.

    `state` is sent, failed or uncertain. `is_final` tells that no further try will be made by itself, `replied` that
    nothing was sent because the creator has written in the chat.
    """

    key: ClassVar[str] = "chatbot.outcome"

    task_key: str
    outreach_task_id: str
    platform_creator_id: str
    state: DeliveryState
    at: AwareDatetime
    sender: str | None = None
    reason: str | None = None
    is_final: bool = True
    replied: bool = False
