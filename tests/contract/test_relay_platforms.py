"""The platforms that every database begins with."""

from collections import Counter
from typing import Any

from alembic import command
from sqlalchemy import Connection, text

from adapters.relay.registry import ADAPTERS
from persistence.engine import open_engine
from persistence.migrate import config, upgrade
from persistence.uow import Uow
from tests.build.relay import credential, storefront
from tests.services.databases import opened


async def test_there_are_53_platforms_in_three_tiers(uow: Uow) -> None:
    async with uow() as tx:
        platforms, total = await tx.configuration.platforms.listed(skip=0, limit=1000)
    assert total == 53
    assert Counter(each.tier for each in platforms) == {1: 9, 2: 14, 3: 30}
    assert Counter(each.auth_type for each in platforms) == {
        "api_key": 29,
        "oauth2": 16,
        "access_token": 5,
        "basic_auth": 2,
        "bearer_token": 1,
    }
    assert all(each.is_active for each in platforms)


async def test_addresses_and_schemas_are_the_adapters_until_a_row_says_otherwise(uow: Uow) -> None:
    async with uow() as tx:
        platforms, _ = await tx.configuration.platforms.listed(skip=0, limit=1000)
    assert {(each.api_base_url, each.credential_schema) for each in platforms} == {(None, None)}


async def test_every_adapter_of_a_platform_has_its_row(uow: Uow) -> None:
    async with uow() as tx:
        known = await tx.configuration.platforms_by_code()
    assert set(ADAPTERS) - {"sgtm", "generic_http"} <= set(known)


async def test_a_platform_that_somebody_made_by_hand_is_kept(empty_url: str) -> None:
    def by_hand(connection: Connection) -> None:
        command.upgrade(config(connection=connection), "0002")
        connection.execute(
            text("INSERT INTO ad_analytics_platforms (platform_code, name, tier) VALUES ('meta_capi', 'Ours', 2)")
        )

    await _run(empty_url, by_hand)
    await upgrade(empty_url)
    rows = await _run(
        empty_url,
        lambda connection: connection.execute(
            text("SELECT platform_code, name FROM ad_analytics_platforms WHERE platform_code IN ('meta_capi', 'ga4')")
        ).all(),
    )
    assert {tuple(row) for row in rows} == {("meta_capi", "Ours"), ("ga4", "Google Analytics 4")}


async def test_taking_the_platforms_back_leaves_those_with_accounts(own_url: str) -> None:
    async with opened(own_url) as database:
        await credential(database.uow, await storefront(database.uow), "klaviyo")

    def back(connection: Connection) -> Any:
        command.downgrade(config(connection=connection), "0002")
        return connection.execute(text("SELECT platform_code FROM ad_analytics_platforms")).scalars().all()

    assert await _run(own_url, back) == ["klaviyo"]
    await upgrade(own_url)


async def _run(url: str, look: Any) -> Any:
    engine = open_engine(url)
    async with engine.connect() as connection:
        found = await connection.run_sync(look)
        await connection.commit()
    await engine.dispose()
    return found
