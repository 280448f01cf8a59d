"""Reads messages with a language model, through any API that speaks as OpenAI's does; never longer than it is given.

https://ai.pydantic.dev/output/#native-output and https://platform.openai.com/docs/guides/structured-outputs
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from openai import AsyncOpenAI
from pydantic import SecretStr
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.exceptions import (
    AgentRunError,
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    ModelTimeoutError,
)
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, UserPromptPart
from pydantic_ai.models import Model as AnyModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import UsageLimits

from adapters.budgets import Budgets
from adapters.replies.deciding import Away, Question, Turn, Why
from adapters.replies.prompts import Example, Prompts, prompts
from schemas.replies.intents import Guess

#: One call; a classification takes a second, so one that takes ten is lost.
CALL: Final = timedelta(seconds=10)
#: The first call and one more.
CALLS: Final = 2
#: Half a second lets a server that was restarted come back, and nobody notices it.
PAUSE: Final = 0.5
#: An answer has a dozen short fields.
MOST_TOKENS: Final = 300
TEMPERATURE: Final = 0.3
#: So many failures one after another, and the model is left alone for a while.
FAILURES: Final = 5
OPEN_FOR: Final = timedelta(seconds=60)
#: History costs tokens with every message; four characters are about one.
HISTORY: Final = 4000
DAY: Final = timedelta(days=1)
#: https://platform.openai.com/docs/guides/error-codes: what may go well a moment later.
AGAIN: Final = frozenset({408, 409, 429})
SERVER: Final = 500


@dataclass
class Breaker:
    """Leaves a model alone that has failed several times in a row; then one call tries it."""

    failures: int = 0
    open_until: float = 0.0

    def is_open(self) -> bool:
        """Tell whether the model is left alone."""
        return time.monotonic() < self.open_until

    def note(self, *, has_failed: bool) -> None:
        """Count a failure, or forget them all."""
        self.failures = self.failures + 1 if has_failed else 0
        if self.failures >= FAILURES:
            self.open_until = time.monotonic() + OPEN_FOR.total_seconds()


@dataclass
class Model:
    """A language model that says what messages mean, in the fields of `Guess` and in nothing else.

    It has no tools and sees no rows: what it says is looked up by code.
    """

    model: AnyModel
    budgets: Budgets
    calls_a_day: int = 50
    patience: timedelta = timedelta(seconds=20)
    prompts: Prompts = field(default_factory=prompts)
    name: str = "model"
    breaker: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        """Make the agent once: its schema is built from `Guess`."""
        self._agent = Agent(
            self.model,
            output_type=NativeOutput(Guess, strict=True),
            instructions=self.prompts.system,
            retries=0,
        )
        self._shown = [message for each in self.prompts.examples for message in _shown(each)]

    @property
    def version(self) -> str | None:
        """Which prompts it reads with."""
        return self.prompts.version

    @property
    def instructions(self) -> str:
        """What no customer may be told."""
        return self.prompts.system

    async def classify(self, question: Question) -> Guess | Away:
        """Return what a message means, or why the model could not tell; within `patience`."""
        if self.breaker.is_open():
            return Away(Why.BREAKER)
        if self.calls_a_day:
            grant = await self.budgets.grant(f"model:{question.customer}", 1, calls=self.calls_a_day, period=DAY)
            if not grant.calls:
                return Away(Why.BUDGET)
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                read = await self._ask(question)
        except TimeoutError:
            read = Away(Why.TIMEOUT, f"no answer in {self.patience.total_seconds():g} s")
        # A refusal or a broken answer is about the message; all else is about the model.
        self.breaker.note(has_failed=isinstance(read, Away) and read.why not in (Why.REFUSED, Why.BROKEN))
        return read

    async def _ask(self, question: Question) -> Guess | Away:
        away = Away(Why.UNREACHABLE)
        for call in range(CALLS):
            if call:
                await asyncio.sleep(PAUSE)
            try:
                return await self._call(question)
            except (AgentRunError, TimeoutError) as error:
                away, may_ask_again = why_of(error)
                if not may_ask_again:
                    break
        return away

    async def _call(self, question: Question) -> Guess:
        settings = OpenAIChatModelSettings(
            temperature=TEMPERATURE,
            max_tokens=MOST_TOKENS,
            timeout=CALL.total_seconds(),
            openai_user=question.customer,
        )
        async with asyncio.timeout(CALL.total_seconds()):
            run = await self._agent.run(
                question.text,
                message_history=[*self._shown, *_history(question.history)],
                model_settings=settings,
                usage_limits=UsageLimits(request_limit=1),
            )
        return run.output


def openai_model(base_url: str | None, key: SecretStr | None, name: str) -> AnyModel:
    """Return a model behind an API that speaks as OpenAI's does. It repeats nothing by itself: `Model` does."""
    client = AsyncOpenAI(
        # A server of one's own asks for none, and the client insists on some.
        api_key=key.get_secret_value() if key else "none",
        base_url=base_url,
        max_retries=0,
        timeout=CALL.total_seconds(),
    )
    return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))


#: What each failure means, the narrower ones first, and whether the same question may be asked once more.
_MEANINGS: Final[tuple[tuple[type[Exception], Why, bool], ...]] = (
    (ModelTimeoutError, Why.TIMEOUT, True),
    (TimeoutError, Why.TIMEOUT, True),
    (ModelQuotaExceededError, Why.BUDGET, False),
    (ModelConnectionError, Why.UNREACHABLE, True),
    (ModelAuthenticationError, Why.MISCONFIGURED, False),
    (ModelRequestRejectedError, Why.MISCONFIGURED, False),
    (ModelAPIError, Why.UNREACHABLE, False),
    (ContentFilterError, Why.REFUSED, False),
)


def why_of(error: Exception) -> tuple[Away, bool]:
    """Return what a failure means, and whether the same question may be asked once more."""
    if isinstance(error, ModelHTTPError):
        return _why_of_status(error.status_code, error)
    for kind, why, may_ask_again in _MEANINGS:
        if isinstance(error, kind):
            return Away(why, type(error).__name__), may_ask_again
    return Away(Why.BROKEN, type(error).__name__), False


def _why_of_status(status: int, error: ModelHTTPError) -> tuple[Away, bool]:
    detail = f"HTTP {status}"
    if status == 429:  # noqa: PLR2004 -- HTTP's own number
        # "insufficient_quota" is paid for, not waited for.
        is_spent = "insufficient_quota" in str(error.body)
        return Away(Why.BUDGET if is_spent else Why.THROTTLED, detail), not is_spent
    if status in AGAIN or status >= SERVER:
        return Away(Why.UNREACHABLE, detail), True
    return Away(Why.MISCONFIGURED, detail), False


def _shown(example: Example) -> list[ModelMessage]:
    return [
        *_history(example.question.history),
        ModelRequest(parts=[UserPromptPart(example.question.text)]),
        ModelResponse(parts=[TextPart(example.guess.model_dump_json())]),
    ]


def _history(turns: Sequence[Turn]) -> list[ModelMessage]:
    """Return what was said before, the newest that fits, each in its own role."""
    left = HISTORY
    kept: list[ModelMessage] = []
    for turn in reversed(turns):
        left -= len(turn.text)
        if left < 0:
            break
        said = (
            ModelRequest(parts=[UserPromptPart(turn.text)])
            if turn.is_customer
            else ModelResponse(parts=[TextPart(turn.text)])
        )
        kept.append(said)
    return kept[::-1]
