"""OAuth 1.0a: known answers of those who publish them."""

import re
from urllib.parse import unquote

from adapters.relay.oauth1 import Signer

# https://docs.x.com/resources/fundamentals/authentication/oauth-1-0a/creating-a-signature
PUBLISHED = Signer(
    consumer_key="xvz1evFS4wEEPTGEFPHBog",
    consumer_secret="kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
    token="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
    token_secret="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
)


def signature(header: str) -> str:
    return unquote(re.findall('oauth_signature="([^"]+)"', header)[0])


def test_a_request_is_signed_as_x_publishes_it() -> None:
    header = PUBLISHED.header(
        "post",
        "https://api.twitter.com/1.1/statuses/update.json",
        {"include_entities": "true", "status": "Hello Ladies + Gentlemen, a signed OAuth request!"},
        nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        timestamp=1318622958,
    )
    assert signature(header) == "hCtSmYh+iHYCEqBWrE7C7hYmtUk="
    assert header.startswith('OAuth oauth_consumer_key="xvz1evFS4wEEPTGEFPHBog", oauth_nonce="kYjz')


def test_how_an_address_is_written_does_not_change_its_signature() -> None:
    written = ("HTTPS://ads-api.x.com:443/12/measurement", "https://ADS-API.x.com/12/measurement")
    first, second = (signature(PUBLISHED.header("POST", url, nonce="n", timestamp=1)) for url in written)
    assert first == second


def test_no_request_is_signed_twice_alike_and_no_secret_is_shown() -> None:
    first, second = (PUBLISHED.header("POST", "https://ads-api.x.com/12") for _ in range(2))
    assert signature(first) != signature(second)
    assert PUBLISHED.consumer_secret not in first + repr(PUBLISHED)
    assert PUBLISHED.token_secret not in first + repr(PUBLISHED)
