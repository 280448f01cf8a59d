"""What a person allowed: asked before every send, and told with the delivery."""

from adapters.relay.port import RelayEvent, Skipped

#: What the two purposes of Google's consent mode v2 are called, https://developers.google.com/tag-platform/security/guides/consent.
AD_USER_DATA = "ad_user_data"
AD_PERSONALIZATION = "ad_personalization"
ANALYTICS = "analytics"
#: Messages to the person themselves; not a purpose of Google's, but producers ask it beside those.
MARKETING = "marketing"


def gate(event: RelayEvent, purpose: str) -> None:
    """Raise Skipped where the person refused this purpose; one that was never asked does not stop an event."""
    if is_denied(event, purpose):
        raise Skipped(f"no consent to {purpose}")


def is_denied(event: RelayEvent, purpose: str) -> bool:
    """Tell whether the person refused this purpose; what was never asked was not refused."""
    return event.consent.get(purpose) is False


def granted(event: RelayEvent, purpose: str) -> str | None:
    """Return GRANTED or DENIED as Google spells it; None where it was not asked."""
    answer = event.consent.get(purpose)
    return None if answer is None else ("GRANTED" if answer else "DENIED")
