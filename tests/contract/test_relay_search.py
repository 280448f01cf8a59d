"""What operators look for, on real databases."""

from datetime import timedelta

from adapters.vault import Vault, new_key
from persistence.uow import Uow
from schemas.relay.records import DeliveryState, EventStatus
from schemas.relay.selection import DeliverySelection, EventSelection, Page
from tests.build.records import NOON
from tests.build.relay import credential, delivery, event, storefront, tagging_server

ALL = Page(limit=100)


async def filled(uow: Uow) -> tuple[int, int]:
    """Two storefronts with an order of the same number each, one delivered and one dead; return their numbers."""
    numbers = []
    for code, state in (("bosley", DeliveryState.DELIVERED), ("hims", DeliveryState.DEAD)):
        shop = await storefront(uow, code)
        await credential(uow, shop)
        async with uow() as tx:
            destination = (await tx.destinations.of_storefronts([shop.id]))[shop.id][0].id
            made = event("o-1", storefront_code=code, storefront_id=shop.id, created_at=NOON)
            await tx.events.add([made])
            number = (await tx.events.numbers([made.identity or ""]))[made.identity or ""]
            await tx.event_deliveries.add([delivery(number, destination, state=state)])
        numbers.append(shop.id)
    return numbers[0], numbers[1]


async def test_an_order_is_found_in_every_storefront_by_its_number(uow: Uow) -> None:
    await filled(uow)
    async with uow() as tx:
        found = await tx.search.events(EventSelection(event_id="o-1"), ALL)
        assert [each.storefront_code for each in found] == ["bosley", "hims"]
        assert await tx.search.count_events(EventSelection(event_id="o-1")) == 2
        assert await tx.search.events(EventSelection(event_id="O-1"), ALL) == []


async def test_events_are_narrowed_by_each_thing_that_is_known(uow: Uow) -> None:
    first, _ = await filled(uow)
    narrowings = (
        EventSelection(storefront_id=first),
        EventSelection(storefront_code="bosley"),
        EventSelection(identity="bosley:purchase_completed:o-1"),
        EventSelection(storefront_id=first, event_type="purchase_completed", since=NOON, until=NOON + timedelta(1)),
        EventSelection(storefront_id=first, statuses=(EventStatus.PROCESSING,)),
    )
    async with uow() as tx:
        for each in narrowings:
            assert [one.storefront_id for one in await tx.search.events(each, ALL)] == [first], each
        assert await tx.search.events(EventSelection(until=NOON), ALL) == []


async def test_pages_follow_each_other_from_either_end(uow: Uow) -> None:
    async with uow() as tx:
        await tx.events.add([event(f"o-{number}") for number in range(5)])
        oldest = await tx.search.events(EventSelection(), Page(limit=2))
        then = await tx.search.events(EventSelection(), Page(limit=2, after=oldest[-1].id or 0))
        newest = await tx.search.events(EventSelection(), Page(limit=2, newest=True))
        before = await tx.search.events(EventSelection(), Page(limit=2, newest=True, after=newest[-1].id or 0))
        skipped = await tx.search.events(EventSelection(), Page(limit=2, skip=4))
    assert [each.event_id for each in oldest + then] == ["o-0", "o-1", "o-2", "o-3"]
    assert [each.event_id for each in newest + before] == ["o-4", "o-3", "o-2", "o-1"]
    assert [each.event_id for each in skipped] == ["o-4"]


async def test_deliveries_are_found_with_where_they_go(uow: Uow) -> None:
    _, second = await filled(uow)
    narrowings = (
        DeliverySelection(storefront_id=second),
        DeliverySelection(states=(DeliveryState.DEAD,), platform_code="meta_capi", event_id="o-1"),
    )
    async with uow() as tx:
        for each in narrowings:
            (found,) = await tx.search.deliveries(each, ALL)
            assert (found.storefront_code, found.destination.platform_code) == ("hims", "meta_capi")
            assert await tx.search.count_deliveries(each) == 1
        assert len(await tx.search.deliveries(DeliverySelection(numbers=(found.delivery.id or 0,)), ALL)) == 1


async def test_who_did_what_is_told_newest_first(uow: Uow) -> None:
    async with uow() as tx:
        await tx.configuration.audit("ada", "admin", "create", "storefronts", "1", name="Bosley")
        await tx.configuration.audit("bob", "secrets", "reveal", "credentials", "7")
        entries, count = await tx.search.audit(Page(limit=10, newest=True))
        (ada,), _ = await tx.search.audit(Page(limit=10, newest=True), who="ada")
    assert ([each.who for each in entries], count) == (["bob", "ada"], 2)
    assert (ada.action, ada.resource_id, ada.details) == ("create", "1", {"name": "Bosley"})


async def test_versions_of_a_mapping_stay_on_record(uow: Uow) -> None:
    async with uow() as tx:
        await tx.configuration.add_mapping(None, "meta_capi", {"events": {}})
        await tx.configuration.add_mapping(None, "meta_capi", {"events": {"lead": "Lead"}})
        found, count = await tx.search.mappings(Page(limit=10, newest=True), platform_code="meta_capi")
    assert ([each.version for each in found], count) == ([3, 2], 2)


async def test_every_sealed_value_is_sealed_anew_page_by_page(uow: Uow) -> None:
    old, new = new_key(), new_key()
    before = Vault([old])
    shop = await storefront(uow)
    await credential(uow, shop, credentials_encrypted=before.seal({"access_token": "t"}))
    await credential(uow, shop, "ga4", credentials_encrypted=before.seal({"api_secret": "s"}))
    headers = before.seal({"X-Key": "k"})
    await tagging_server(uow, shop, api_secret=before.seal({"api_secret": "s"}), custom_headers=headers)
    both = Vault([new, old])
    counts = {}
    for name in ("credentials", "sgtm_configs"):
        after, counts[name] = -1, 0
        while True:
            async with uow() as tx:
                last, count = await tx.secrets.resealed(
                    name, lambda _, sealed: both.rotate(sealed), after=after, limit=1
                )
            if last == after:
                break
            after, counts[name] = last, counts[name] + count
    assert counts == {"credentials": 2, "sgtm_configs": 2}
    async with uow() as tx:
        stored, _ = await tx.configuration.credentials.listed(skip=0, limit=10)
        server = await tx.configuration.sgtm_configs.find(storefront_id=shop.id)
    after_all = Vault([new])
    assert [after_all.open(each.credentials_encrypted) for each in stored] == [
        {"access_token": "t"},
        {"api_secret": "s"},
    ]
    assert server
    assert after_all.open(server.custom_headers or "") == {"X-Key": "k"}


async def test_what_waits_for_each_destination_is_told_and_what_may_not_be_sent_is_not_late(uow: Uow) -> None:
    shop = await storefront(uow)
    account = await credential(uow, shop)
    async with uow() as tx:
        way = (await tx.destinations.of_storefronts([shop.id]))[shop.id][0].id
        await tx.events.add([event("o-1"), event("o-2")])
        one, two = [each.id or 0 for each in await tx.events.listed(limit=2)]
        await tx.event_deliveries.add([delivery(one, way), delivery(two, way, state=DeliveryState.DEAD)])
        (told,) = await tx.destinations.backlogs(NOON + timedelta(seconds=5))
        assert (told.platform_code, told.waiting, told.due_since) == ("meta_capi", 1, NOON)
        await tx.configuration.credentials.change(account, {"is_active": False})
        (told,) = await tx.destinations.backlogs(NOON + timedelta(seconds=5))
        assert (told.waiting, told.due_since) == (1, None)
