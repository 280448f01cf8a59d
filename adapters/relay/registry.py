"""Which platforms can be sent to, by code."""

import sys
from collections.abc import Callable, Mapping

from adapters.relay.amplitude import Amplitude
from adapters.relay.braze import Braze
from adapters.relay.ga4 import Ga4
from adapters.relay.generic import GenericHttp
from adapters.relay.google_ads import GoogleAds
from adapters.relay.http import Http
from adapters.relay.klaviyo import Klaviyo
from adapters.relay.linkedin import LinkedIn
from adapters.relay.meta import Meta
from adapters.relay.microsoft import Microsoft
from adapters.relay.mixpanel import Mixpanel
from adapters.relay.pinterest import Pinterest
from adapters.relay.port import Adapter
from adapters.relay.reddit import Reddit
from adapters.relay.segment import Segment
from adapters.relay.sgtm import Sgtm
from adapters.relay.snapchat import Snapchat
from adapters.relay.tiktok import TikTok
from adapters.relay.x import X

#: One line a platform: its code, and what makes its adapter from the shared client.
ADAPTERS: Mapping[str, Callable[[Http], Adapter]] = {
    each.code: each
    for each in (
        Sgtm,
        Ga4,
        Meta,
        TikTok,
        Snapchat,
        Pinterest,
        Reddit,
        LinkedIn,
        Microsoft,
        X,
        GoogleAds,
        Segment,
        Klaviyo,
        Braze,
        Amplitude,
        Mixpanel,
        GenericHttp,
    )
}


def adapters(http: Http) -> dict[str, Adapter]:
    """Return every adapter there is, on one client."""
    return {code: make(http) for code, make in ADAPTERS.items()}


def default_bases() -> dict[str, str]:
    """Return where each platform's API is, with its version; a platform without one address for all is left out."""
    found = {code: getattr(sys.modules[make.__module__], "DEFAULT_BASE", None) for code, make in ADAPTERS.items()}
    return {code: base for code, base in found.items() if base}
