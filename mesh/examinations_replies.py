"""What `mesh doctor` looks at of TikTok's messages: the app's secret, and how the business accounts stand."""

from collections.abc import Sequence

from adapters.vault import CannotOpenError, Vault
from brokers.verdict import Verdict
from mesh.compose import database_url
from mesh.doctor import Finding, Health
from persistence import migrate
from persistence.engine import open_uow
from schemas.clock import utc_now
from schemas.replies.accounts import AccountState, ends_at, state_of, why
from schemas.replies.records import Tokens
from settings import Settings

_CONNECT = "connect it: POST /admin/v1/replies/accounts/connect (deploy/RUNBOOK.md, a business account does not speak)"


async def app(settings: Settings) -> Finding:
    """Tell whether TikTok's notifications can be taken in, and the app's tokens exchanged."""
    secrets = settings.tiktok_client_secrets
    if not secrets:
        return Finding(
            Health.WARN,
            "no secret of the app: the gateway takes no notifications of TikTok's",
            "set MESH_TIKTOK_CLIENT_SECRETS; `mesh up` makes one for a TikTok beside it",
        )
    if settings.tiktok_client_key is None:
        return Finding(
            Health.WARN, "no key of the app: tokens cannot be exchanged", "set MESH_TIKTOK_CLIENT_KEY to the app's"
        )
    rotated = "" if len(secrets) == 1 else f", {len(secrets)} secrets taken while one is replaced"
    return Finding(Health.OK, f"app {settings.tiktok_client_key}{rotated}")


async def accounts(settings: Settings) -> Finding:
    """Tell which accounts do not speak, or will not for long."""
    url = database_url(settings)
    database = open_uow(url)
    try:
        await database.probe()
        if not await migrate.is_current(url):
            return Finding(Health.OK, "unknown until the database is migrated")
        async with database.uow() as tx:
            found = await tx.tokens.listed()
    except Verdict:
        return Finding(Health.OK, "unknown while the database is away")
    finally:
        await database.close()
    return judged(found, settings)


def judged(found: Sequence[Tokens], settings: Settings) -> Finding:
    """Return what is to be said of accounts, the worst first."""
    now = utc_now()
    states = {each.business_id: state_of(each, now) for each in found}
    reasons = {each.business_id: why(each, now) for each in found}
    lost = [each for each in settings.tiktok_business_ids if each not in states]
    if broken := [each for each, state in states.items() if state is AccountState.BROKEN]:
        return Finding(Health.FAIL, f"{broken[0]} must be connected again: {reasons[broken[0]]}", _CONNECT)
    if lost:
        return Finding(Health.FAIL, f"{lost[0]} of MESH_TIKTOK_BUSINESS_IDS has no token", _CONNECT)
    if sealed := _unopened(found, settings):
        return Finding(Health.FAIL, f"no key opens the tokens of {sealed}", "give MESH_ENCRYPTION_KEYS the missing key")
    if paused := [each for each, state in states.items() if state is AccountState.PAUSED]:
        said = f"{paused[0]} is paused: {reasons[paused[0]]}"
        return Finding(Health.WARN, said, f"mesh replies resume {paused[0]}, once it is mended")
    if ending := [each for each in found if states[each.business_id] is AccountState.ENDING]:
        said = f"{ending[0].business_id} can be spoken for until {ends_at(ending[0]):%Y-%m-%d}"
        return Finding(Health.WARN, said, _CONNECT)
    return Finding(Health.OK, f"{len(found)} connected" if found else "none connected: nobody is answered")


def _unopened(found: Sequence[Tokens], settings: Settings) -> str | None:
    try:
        vault = Vault(each.get_secret_value() for each in settings.encryption_keys)
    except ValueError:
        return None  # the check of the keys says so
    for each in found:
        try:
            vault.open(each.access_token)
        except CannotOpenError:
            return each.business_id
    return None
