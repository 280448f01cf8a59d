"""Where the seller's pages are, by region."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

_WORLD, _EUROPE = "https://partner.tiktokshop.com", "https://partner.eu.tiktokshop.com"
_BASES: Mapping[str, str] = {"FR": _EUROPE, "ES": _EUROPE}
_MARKETS: Mapping[str, int] = {"MX": 19, "FR": 17, "ES": 14}
_LANGUAGES: Mapping[str, str] = {"MX": "es-MX", "BR": "pt-BR", "FR": "fr-FR", "ES": "es-ES"}


@dataclass(frozen=True, slots=True)
class Site:
    """The seller's pages of one region."""

    base: str
    market: int
    language: str

    @classmethod
    def of(cls, region: str, base: str | None = None) -> "Site":
        """Return the site of a region; `base` is another address for it, such as that of a stand-in."""
        region = region.upper()
        return cls(
            (base or _BASES.get(region, _WORLD)).rstrip("/"), _MARKETS.get(region, 19), _LANGUAGES.get(region, "en-US")
        )

    def url(self, path: str, **query: object) -> str:
        """Return an address on the site; a value of None is left out."""
        asked = {name: value for name, value in query.items() if value is not None}
        return f"{self.base}{path}{'?' if asked else ''}{urlencode(asked)}"

    def is_at(self, url: str, path: str) -> bool:
        """Tell whether an address is that page of this site."""
        here, there = urlsplit(url), urlsplit(self.base)
        return here.netloc == there.netloc and here.path.rstrip("/") == path.rstrip("/")
