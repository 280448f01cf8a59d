"""What a person allowed: asked before every send, and told with the delivery."""

from adapters.relay.port import RelayEvent, Skipped

#: What the two purposes of Google's consent mode v2 are called, https://developers.google.com/tag-platform/security/guides/consent.
AD_USER_DATA = "ad_user_data"
AD_PERSONALIZATION = "ad_personalization"
ANALYTICS = "analytics"
#: Messages to the person themselves; not a purpose of Google's, but producers ask it beside those.
MARKETING = "marketing"


def gate(event: RelayEvent, purpose: str) -> None:
    """Raise Skipped where the person refused this purpose, or was not asked and had to be."""
    if is_denied(event, purpose):
        raise Skipped(f"no consent to {purpose}")


def is_denied(event: RelayEvent, purpose: str) -> bool:
    """Tell whether the person refused this purpose; what was never asked was refused only where consent is required."""
    return not event.consent.get(purpose, not event.is_consent_required)


def granted(event: RelayEvent, purpose: str) -> str | None:
    """Return GRANTED or DENIED as Google spells it; None where it was not asked."""
    if is_denied(event, purpose):
        return "DENIED"
    return "GRANTED" if purpose in event.consent else None
