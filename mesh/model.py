"""The model that reads customers' messages, and how conversations are answered, as the settings say."""

from datetime import timedelta
from typing import TYPE_CHECKING

from adapters.budgets import Budgets
from handlers.replies.composing import Answers
from handlers.replies.scene import Policy
from schemas.replies.stock import HoldTerms
from settings import Settings

if TYPE_CHECKING:
    from adapters.replies.model import Model


def model_of(settings: Settings) -> "Model | None":
    """Return the configured model; None without an address or a key, where the local reader reads everything."""
    if settings.model_base_url is None and settings.model_api_key is None:
        return None
    # A second of imports that only those pay who have a model.
    from adapters.replies.model import Model, openai_model  # noqa: PLC0415

    redis = settings.redis_url
    return Model(
        openai_model(settings.model_base_url, settings.model_api_key, settings.model_name),
        Budgets.at(redis.get_secret_value() if redis else None),
        calls_a_day=settings.model_calls_a_customer_day,
        patience=timedelta(seconds=settings.model_seconds),
    )


def answers_of(settings: Settings) -> Answers:
    """Return what answering customers needs besides the database."""
    keys = settings.encryption_keys
    return Answers(
        model=model_of(settings),
        policy=Policy(
            HoldTerms(timedelta(minutes=settings.stock_hold_minutes), settings.stock_holds_a_customer),
            pay_within=timedelta(hours=settings.stock_pay_hours),
            handoff=timedelta(hours=settings.replies_handoff_hours),
        ),
        debounce=timedelta(seconds=settings.replies_debounce_seconds),
        context_messages=settings.replies_context_messages,
        links=settings.replies_allowed_links,
        seed=keys[0].get_secret_value().encode() if keys else b"",
    )
