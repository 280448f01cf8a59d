"""Configuration as adapters read it: where to send and as whom, with the secrets opened."""

from typing import Any

from adapters.relay.port import Account
from adapters.vault import Vault
from schemas.relay.records import DestinationKind, DestinationView, SgtmConfig


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
