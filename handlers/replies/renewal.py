"""Exchanges an account's tokens, one process at a time; the new ones are stored before anybody uses them."""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import structlog

from adapters.replies.port import Grant, Kind, Outcome
from adapters.vault import CannotOpenError
from brokers import metrics
from brokers.outgoing import new_message_id
from handlers.replies.voice import Voice
from persistence.uow import Uow
from schemas.clock import Clock
from schemas.replies.records import Tokens

log = structlog.get_logger()

#: A token is exchanged so long before its end, so that none ends on its way.
EARLY: Final = timedelta(minutes=5)
#: Longer than the longest call (30 s) and its record. Where an exchange failed, the next follows after that.
LEASE: Final = timedelta(seconds=45)


def fingerprint(account: Tokens) -> str:
    """Return what tells an account's access token from the next one, and gives nothing away."""
    return sha256(account.access_token.encode()).hexdigest()[:12]


def is_due(account: Tokens, now: datetime) -> bool:
    """Tell whether an access token ends soon, or has ended."""
    return account.access_expires_at - EARLY <= now


def is_under_way(account: Tokens, now: datetime) -> bool:
    """Tell whether somebody is exchanging an account's tokens, or failed to a moment ago."""
    return account.refreshing_until is not None and account.refreshing_until > now


async def renew(business_id: str, seen: str, uow: Uow, clock: Clock, voice: Voice) -> None:
    """Exchange the tokens of an account unless another does, or has since its token was `seen`.

    A crash between TikTok's answer and its record loses the new refresh token, and an operator connects the account
    again: TikTok knows no way to ask for it twice.
    """
    now, mine = clock(), new_message_id()
    async with uow() as tx:
        if not await tx.tokens.begin_refresh(business_id, token=mine, now=now, until=now + LEASE):
            return
        account = await tx.tokens.get(business_id)  # after the update above: nobody changes it meanwhile
        assert account
        if fingerprint(account) != seen:
            await tx.tokens.refreshed(account, token=mine)
            return
        if account.refresh_token is None or (account.refresh_expires_at and account.refresh_expires_at <= now):
            await tx.tokens.broken(account, "its refresh token has ended", now)
            metrics.replies_accounts_stopped.labels("broken").inc()
            log.error("account_broken", business=business_id, reason="its refresh token has ended")
            return
    try:
        refresh_token = str(voice.vault.open(account.refresh_token))
    except CannotOpenError as error:  # this account's alone: the others go on
        log.error("account_not_opened", business=business_id, reason=str(error))  # noqa: TRY400 -- no stack tells more
        return
    granted = await voice.tiktok.refresh(refresh_token)
    if isinstance(granted, Grant) and granted.business_id != business_id:
        granted = Outcome(kind=Kind.REFUSED, reason="TikTok gave the tokens of another account")
    async with uow() as tx:
        if isinstance(granted, Grant):
            is_stored = await tx.tokens.refreshed(_renewed(account, granted, voice, clock()), token=mine)
            log.info("account_renewed", business=business_id, is_stored=is_stored)
        elif granted.kind is not Kind.NOT_SENT:
            await tx.tokens.broken(account, f"its refresh token was refused: {granted.reason}", clock())
            metrics.replies_accounts_stopped.labels("broken").inc()
            log.error("account_broken", business=business_id, reason=granted.reason)
        else:
            log.warning("account_not_renewed", business=business_id, reason=granted.reason)


def _renewed(account: Tokens, granted: Grant, voice: Voice, now: datetime) -> Tokens:
    fresh = replace(
        account,
        access_token=voice.vault.seal(granted.access_token),
        access_expires_at=now + granted.access_life,
        updated_at=now,
    )
    if granted.refresh_token is None:
        return fresh
    life = granted.refresh_life
    return replace(
        fresh,
        refresh_token=voice.vault.seal(granted.refresh_token),
        refresh_expires_at=now + life if life is not None else account.refresh_expires_at,
    )
