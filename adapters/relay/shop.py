"""Where an event happened and what was bought: said under several names by producers, read once for all platforms."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.relay.people import told
from adapters.relay.port import Account, RelayEvent

_URLS = ("event_source_url", "page_url", "page_location", "url")
_LISTS = ("items", "contents", "products")
_IDS = ("id", "item_id", "product_id", "content_id", "sku")
_NAMES = ("name", "item_name", "content_name", "title")
_CATEGORIES = ("category", "item_category", "content_category")
_PRICES = ("price", "item_price", "unit_price")
#: Beyond it a number is a mistake, and would be written out with as many digits as its exponent says.
_LARGEST = Decimal(10) ** 12
_SMALLEST_EXPONENT = -6


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One line of an order; what was not said, or cannot be read, is None."""

    id: str | None
    name: str | None
    category: str | None
    quantity: int | None
    price: Decimal | None


def source_url(event: RelayEvent, account: Account) -> str | None:
    """Return the address of the page, else the storefront's own; None where neither is known."""
    for name in _URLS:
        url = told(event, name)
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            return url
    return f"https://{account.domain}" if account.domain else None


def said(event: RelayEvent, name: str) -> str | None:
    """Return something that a producer sends beside the person as text, however it was sent; None where it was not."""
    value = told(event, name)
    return str(value) if value is not None else None


def amount(number: Decimal) -> str:
    """Return an exact amount as the platforms write it that take text: 129.50, never 1.295E+2."""
    return format(number, "f")


def products(event: RelayEvent) -> list[Product]:
    """Return the lines of the order; a line without an id says nothing to a catalogue and is left out."""
    for name in _LISTS:
        lines = event.payload.get(name)
        if isinstance(lines, list):
            found = [_product(line) for line in lines if isinstance(line, dict)]
            return [each for each in found if each.id]
    return []


def item_count(found: list[Product]) -> int:
    """Return the number of pieces; a line that does not say is one."""
    return sum(each.quantity or 1 for each in found)


def _product(line: dict[str, Any]) -> Product:
    price = _decimal(_first(line, _PRICES))
    quantity = _decimal(line.get("quantity"))
    return Product(
        id=_text(_first(line, _IDS)),
        name=_text(_first(line, _NAMES)),
        category=_text(_first(line, _CATEGORIES)),
        quantity=int(quantity) if quantity is not None and quantity >= 1 and quantity == int(quantity) else None,
        price=price,
    )


def _first(line: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((line[name] for name in names if line.get(name) not in (None, "")), None)


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _decimal(value: Any) -> Decimal | None:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    is_sane = isinstance(exponent, int) and exponent >= _SMALLEST_EXPONENT and abs(number) <= _LARGEST
    return number if is_sane else None
