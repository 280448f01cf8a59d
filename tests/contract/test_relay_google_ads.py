"""Google Ads' adapter against a stand-in that follows the Data Manager API's pages, tokens and all."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256

import pytest

from adapters.relay.port import Refused, Skipped, Verdict
from deploy.sandbox.google_ads import UNKNOWN_ACTION, GoogleAds
from tests.build.destinations import Destination, destination
from tests.build.sandbox import relay_event


@pytest.fixture
def standin() -> GoogleAds:
    return GoogleAds()


@pytest.fixture
async def google(standin: GoogleAds) -> AsyncIterator[Destination]:
    async with destination("google_ads", standin) as made:
        yield made


async def test_an_event_arrives_as_google_documents_it(google: Destination) -> None:
    event = relay_event("o-1", consent={"ad_user_data": True, "ad_personalization": False})
    assert (await google.said(event)).verdict is Verdict.DELIVERED
    (taken,) = google.standin.events()
    digest = {name: sha256(name.encode()).hexdigest() for name in ("jane", "doe", "+16505551212")}
    identifiers = taken.event["userData"]["userIdentifiers"]
    assert identifiers[0] == {"emailAddress": sha256(b"jane.doe@example.com").hexdigest()}
    assert identifiers[1] == {"phoneNumber": digest["+16505551212"]}
    assert identifiers[2]["address"]["givenName"] == digest["jane"]
    assert (identifiers[2]["address"]["regionCode"], identifiers[2]["address"]["postalCode"]) == ("US", "94025-1234")
    assert taken.event["consent"] == {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_DENIED"}
    assert (taken.event["conversionValue"], taken.event["currency"]) == (129.5, "USD")
    assert taken.event["eventTimestamp"].startswith(f"{event.event_time:%Y-%m-%dT%H:%M:%S}")
    assert (taken.event["transactionId"], taken.event["destinationReferences"]) == (event.downstream_id, ["90210"])


async def test_each_event_goes_to_the_conversion_action_of_its_name(google: Destination) -> None:
    signup, purchase = relay_event("o-1", event_type="signup"), relay_event("o-1")
    told = await google.send(signup, purchase)
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED] * 2
    assert [each.event["destinationReferences"] for each in google.standin.events()] == [["90211"], ["90210"]]
    assert google.render(signup, {"version": 2, "events": {"signup": "777"}})["destinationReferences"] == ["777"]
    for kind in ("lead", "page_view", "rx_issued"):
        with pytest.raises(Skipped):
            google.render(relay_event(event_type=kind))


async def test_a_refused_request_names_the_bad_event_and_the_others_may_go_on_alone(google: Destination) -> None:
    stale = relay_event("old", event_time=relay_event().event_time - timedelta(days=91))
    told = await google.send(relay_event("o-1"), stale, relay_event("o-2"))
    assert [each.verdict for each in told.outcomes] == [Verdict.SPLIT, Verdict.PERMANENT, Verdict.SPLIT]
    assert "EVENT_TIME_INVALID" in (told.outcomes[1].reason or "")
    assert google.standin.events() == []
    assert (await google.said(stale)).verdict is Verdict.PERMANENT


async def test_a_whole_request_of_2000_is_taken_and_a_repeat_counts_once(google: Destination) -> None:
    rendered = google.render(relay_event())
    for _ in range(2):
        told = await google.send(*({**rendered, "transactionId": str(at)} for at in range(2000)))
        assert {each.verdict for each in told.outcomes} == {Verdict.DELIVERED}
    counts = google.standin.counts()
    assert (counts["ids"], counts["conversions"]) == (2000, 2000)


async def test_more_conversion_actions_than_a_request_may_name_are_left_to_the_next(google: Destination) -> None:
    rendered = google.render(relay_event())
    batch = [{**rendered, "transactionId": str(at), "destinationReferences": [str(at + 1)]} for at in range(12)]
    told = await google.send(*batch)
    assert [each.verdict for each in told.outcomes] == [Verdict.DELIVERED] * 10 + [Verdict.SPLIT] * 2
    assert len(google.standin.events()) == 10


async def test_one_access_token_serves_all_calls_of_an_account(google: Destination, standin: GoogleAds) -> None:
    await asyncio.gather(*(google.said(relay_event(str(at))) for at in range(8)))
    await google.said(relay_event("later"))
    assert standin.issued == 1
    assert (await google.but(login_customer_id="1").test()).verdict is Verdict.DELIVERED
    assert standin.issued == 1


async def test_a_token_that_ends_before_its_time_is_renewed_in_the_same_call(
    google: Destination, standin: GoogleAds
) -> None:
    assert (await google.said(relay_event("o-1"))).verdict is Verdict.DELIVERED
    standin.end_tokens()
    assert (await google.said(relay_event("o-2"))).verdict is Verdict.DELIVERED
    assert standin.issued == 2


@pytest.mark.parametrize("name", ["client_id", "client_secret", "refresh_token"])
async def test_a_refresh_token_or_a_client_that_is_not_taken_stops_the_account(google: Destination, name: str) -> None:
    wrong = google.but(**{name: "stolen"})
    told = await wrong.said(relay_event(), relay_event("2"))
    assert told.verdict is Verdict.AUTH
    assert "no access token: invalid_" in (told.reason or "")
    assert (await wrong.test()).verdict is Verdict.AUTH
    assert google.standin.events() == []


async def test_without_a_token_nothing_was_sent_so_nothing_is_unknown(google: Destination) -> None:
    google.standin.set_faults(hang_rate=1, hang_s=5)
    assert (await google.said(relay_event())).verdict is Verdict.TRANSIENT
    google.standin.set_faults(error_rate_500=1)
    assert (await google.said(relay_event())).verdict is Verdict.TRANSIENT


async def test_a_conversion_action_that_is_not_there_is_a_wrong_configuration(google: Destination) -> None:
    wrong = google.but(conversion_action_id=UNKNOWN_ACTION)
    rendered = wrong.render(relay_event())
    assert (await wrong.said(rendered)).verdict is Verdict.CONFIG
    assert (await wrong.test()).verdict is Verdict.CONFIG
    none = google.but(conversion_action_id=None, conversion_actions={})
    assert (await none.test()).verdict is Verdict.CONFIG


async def test_gmail_is_hashed_without_its_dots_and_other_addresses_with_theirs(google: Destination) -> None:
    for address, normal in ((" Jane.Doe@GMail.com", b"janedoe@gmail.com"), ("a.b+c@d.example", b"a.b+c@d.example")):
        rendered = google.render(relay_event(user_data={"email": address}))
        assert rendered["userData"]["userIdentifiers"] == [{"emailAddress": sha256(normal).hexdigest()}]


async def test_who_cannot_be_identified_or_has_refused_is_not_sent(google: Destination) -> None:
    with pytest.raises(Refused, match="gclid"):
        google.render(relay_event(user_data={"first_name": "Jane", "ip": "203.0.113.7"}))
    with pytest.raises(Skipped, match="consent"):
        google.render(relay_event(consent={"ad_user_data": False}))
    click = google.render(relay_event(user_data={"gclid": "Cj0abc"}))
    assert click["adIdentifiers"] == {"gclid": "Cj0abc"}
    assert (await google.said(click)).verdict is Verdict.DELIVERED


async def test_a_transaction_that_the_tag_knows_keeps_its_name(google: Destination) -> None:
    known = relay_event(payload={"transaction_id": "T-1"})
    assert google.render(known)["transactionId"] == "T-1"
    assert len(google.render(relay_event("o" * 100))["transactionId"]) == 64
