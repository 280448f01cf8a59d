"""Stored rows as adapters read them: an event with its money and consent, an account with its secrets opened."""

from typing import Any

import orjson

from adapters.relay.port import Account, RelayEvent
from adapters.vault import Vault
from schemas.relay.items import ItemError, money
from schemas.relay.records import DestinationKind, DestinationView, MarketingEvent, SgtmConfig

_GRANTED = {"granted": True, "denied": False, "true": True, "false": False, "yes": True, "no": False}


def event_of(stored: MarketingEvent, downstream_id: str) -> RelayEvent:
    """Return an event as adapters read it; an amount that is none is none."""
    payload: dict[str, Any] = orjson.loads(stored.event_payload)
    try:
        value, currency = money(payload)
    except ItemError:
        value, currency = None, None
    user_data = payload.get("user_data")
    return RelayEvent(
        downstream_id=downstream_id,
        storefront_code=stored.storefront_code or "",
        event_type=stored.event_type,
        event_id=stored.event_id,
        event_time=stored.event_time or stored.created_at,
        payload=payload,
        value=value,
        currency=currency,
        user_data=user_data if isinstance(user_data, dict) else {},
        consent=_consent(payload.get("consent")),
    )


def account_of(view: DestinationView, vault: Vault, default_base: str | None) -> Account:
    """Return where and as whom to send; raises Unavailable where no key opens the secrets."""
    assert view.storefront
    if view.destination.kind is DestinationKind.SGTM:
        assert view.sgtm_config
        credentials, base = _sgtm(view.sgtm_config, vault), view.sgtm_config.sgtm_url
    else:
        assert view.credential
        assert view.platform
        credentials = vault.open(view.credential.credentials_encrypted)
        base = view.platform.api_base_url or default_base or ""
    return Account(
        destination_id=view.destination.id,
        kind=view.destination.kind,
        platform_code=view.destination.platform_code,
        storefront_code=view.storefront.storefront_id,
        base_url=base.rstrip("/"),
        credentials=credentials,
        pixel_id=view.credential.pixel_id if view.credential else None,
        account_id=view.credential.account_id if view.credential else None,
        domain=view.storefront.domain,
    )


def _sgtm(config: SgtmConfig, vault: Vault) -> dict[str, Any]:
    secret = vault.open(config.api_secret)["api_secret"] if config.api_secret else None
    return {
        "client_type": config.client_type,
        "container_id": config.container_id,
        "measurement_id": config.measurement_id,
        "api_secret": secret,
        "custom_endpoint_path": config.custom_endpoint_path,
        "custom_headers": vault.open(config.custom_headers) if config.custom_headers else {},
    }


def _consent(said: Any) -> dict[str, bool]:
    if not isinstance(said, dict):
        return {}
    answers = {
        name: value if isinstance(value, bool) else _GRANTED.get(str(value).lower()) for name, value in said.items()
    }
    return {name: value for name, value in answers.items() if value is not None}
