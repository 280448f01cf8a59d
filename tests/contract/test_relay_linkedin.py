"""LinkedIn's adapter against a stand-in that follows LinkedIn's pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256

import pytest

from adapters.relay.linkedin import LinkedIn as Adapter
from adapters.relay.mapping import built_in
from adapters.relay.port import Refused, Skipped, Verdict
from deploy.sandbox.standin import TOKEN
from tests.build.destinations import Destination, destination
from tests.build.sandbox import account, relay_event

DELIVERED = [Verdict.DELIVERED]


@pytest.fixture
async def linkedin() -> AsyncIterator[Destination]:
    async with destination("linkedin_capi") as made:
        yield made


async def test_an_event_arrives_as_linkedin_documents_it(linkedin: Destination) -> None:
    event = relay_event("o-1")
    assert [each.verdict for each in (await linkedin.send(event)).outcomes] == DELIVERED
    (taken,) = linkedin.standin.events()
    assert taken.event == {
        "conversion": "urn:lla:llaPartnerConversion:4455",
        "conversionHappenedAt": int(event.event_time.timestamp() * 1000),
        "conversionValue": {"currencyCode": "USD", "amount": "129.50"},
        "user": {
            "userIds": [
                {"idType": "SHA256_EMAIL", "idValue": sha256(b"jane.doe@example.com").hexdigest()},
                {"idType": "PLAINTEXT_IP_ADDRESS", "idValue": "203.0.113.7"},
            ]
        },
        "eventId": "bosley:purchase_completed:o-1",
    }


async def test_each_event_of_a_batch_is_judged_alone(linkedin: Destination) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=91))
    told = await linkedin.send(relay_event("o-1"), stale, relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED, Verdict.PERMANENT, Verdict.DELIVERED]
    assert "90 days" in (told.outcomes[1].reason or "")
    assert len(linkedin.standin.events()) == 2


async def test_a_whole_batch_goes_in_one_call(linkedin: Destination) -> None:
    rendered = linkedin.render(relay_event())
    told = await linkedin.send(*({**rendered, "eventId": str(at)} for at in range(5000)))
    assert {each.verdict for each in told.outcomes} == set(DELIVERED)
    assert (linkedin.standin.counts()["calls"], linkedin.standin.counts()["ids"]) == (1, 5000)


async def test_a_repeat_is_recognised_by_its_id_however_long_it_is(linkedin: Destination) -> None:
    for _ in range(2):
        assert (await linkedin.said(relay_event("o" * 100))).verdict is Verdict.DELIVERED
    (taken,) = linkedin.standin.events()
    assert (len(taken.id), taken.count, taken.conversions) == (64, 2, 1)


async def test_an_event_counts_by_the_rule_that_is_configured_for_its_name(linkedin: Destination) -> None:
    lead = relay_event(event_type="lead")
    assert linkedin.render(lead)["conversion"] == "urn:lla:llaPartnerConversion:4456"
    own = {"version": 2, "events": {"lead": "77", "signup": "urn:lla:llaPartnerConversion:78"}}
    assert linkedin.render(lead, own)["conversion"] == "urn:lla:llaPartnerConversion:77"
    signup = relay_event(event_type="signup")
    assert linkedin.render(signup, own)["conversion"] == "urn:lla:llaPartnerConversion:78"


@pytest.mark.parametrize("kind", ["signup", "page_view", "rx_issued"])
def test_an_event_without_a_rule_counts_as_nothing_else(kind: str) -> None:
    adapter = Adapter(None)  # type: ignore[arg-type]  # it renders without a client
    to = account("linkedin_capi", "", {"access_token": TOKEN, "conversion_id": "4455"})
    with pytest.raises(Skipped):
        adapter.render(relay_event(event_type=kind), to, built_in("linkedin_capi"))


async def test_who_cannot_be_identified_or_has_refused_is_not_sent(linkedin: Destination) -> None:
    with pytest.raises(Refused, match="identifies"):
        linkedin.render(relay_event(user_data={"client_ip_address": "203.0.113.7"}))
    with pytest.raises(Skipped, match="consent"):
        linkedin.render(relay_event(consent={"ad_user_data": False}))
    click = linkedin.render(relay_event(user_data={"li_fat_id": "df5gf5", "ip": "2001:db8::1"}))
    assert click["user"]["userIds"] == [{"idType": "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "idValue": "df5gf5"}]


async def test_a_version_that_is_gone_is_a_wrong_configuration(linkedin: Destination) -> None:
    outdated = linkedin.but(api_version="202301")
    assert (await outdated.said(relay_event(), relay_event("2"))).verdict is Verdict.CONFIG
    assert (await outdated.test()).verdict is Verdict.CONFIG
