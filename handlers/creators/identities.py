"""Where the ids of campaigns, products and their crawl logs come from: what they name, never chance."""

from datetime import date

import uuid_utils

_NAMESPACE = uuid_utils.uuid5(uuid_utils.NAMESPACE_URL, "mesh:creators")


def campaign_id(platform_campaign_id: str, shop_key: str) -> str:
    """Return the upper-case UUIDv5 of a shop's campaign."""
    return _derived(f"campaign:{len(platform_campaign_id)}:{platform_campaign_id}:{shop_key}")


def product_id(platform_campaign_id: str, platform_product_id: str) -> str:
    """Return the upper-case UUIDv5 of a product of a campaign."""
    return _derived(f"product:{len(platform_campaign_id)}:{platform_campaign_id}:{platform_product_id}")


def log_id(message_id: str, crawl_date: date, row_index: int) -> str:
    """Return the upper-case UUIDv5 of a crawl log.

    A message's identity may be derived from its body, which makes the same page tomorrow a new observation under the
    same identity: the date tells their logs apart.
    """
    return _derived(f"log:{message_id}:{crawl_date}:{row_index}")


def _derived(name: str) -> str:
    return str(uuid_utils.uuid5(_NAMESPACE, name)).upper()
