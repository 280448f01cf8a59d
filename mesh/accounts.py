"""`mesh replies accounts|pause|resume`: the business accounts that we speak for."""

from datetime import timedelta

from mesh.compose import Composition
from mesh.console import age, console, print_json, table
from mesh.operators import me, plain, run
from publishers.admin.replies.accounts import AccountShown, Switch, account_shown
from schemas.clock import utc_now

COLUMNS = ["account", "state", "why", "access token for", "can be renewed for"]


def listed(*, as_json: bool) -> None:
    """Print every account that has a token; one that has none is none of ours."""

    async def read(composition: Composition) -> list[AccountShown]:
        async with composition.database.uow() as tx:
            return [account_shown(each, utc_now()) for each in await tx.tokens.listed()]

    found = run("replies", read)
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    console.print(table("Accounts", COLUMNS, [_row(each) for each in found]) if found else "No account is connected.")


def pause(business_id: str, hours: float | None, reason: str) -> None:
    """Send nothing for an account."""
    lasts = timedelta(hours=hours) if hours else None
    told = run("replies", lambda to: _switch(to).pause(business_id, lasts, reason))
    console.print(f"Nothing is sent for {plain(told.business_id)} until {told.paused_until:%Y-%m-%d %H:%M} UTC.")


def resume(business_id: str) -> None:
    """Send again for an account."""
    told = run("replies", lambda to: _switch(to).resume(business_id))
    console.print(f"{plain(told.business_id)} is {told.state}{f': {plain(told.reason)}' if told.reason else ''}.")


def _switch(composition: Composition) -> Switch:
    return Switch(composition.database.uow, utc_now, me())


def _row(each: AccountShown) -> tuple[object, ...]:
    now = utc_now()
    access = age(now, each.access_expires_at) if each.access_expires_at > now else "ended"
    refresh = age(now, each.refresh_expires_at) if each.refresh_expires_at else None
    return (
        plain(each.business_id),
        each.state.value,
        plain(each.reason or "") or None,
        access,
        refresh if each.can_refresh else "no refresh token",
    )
