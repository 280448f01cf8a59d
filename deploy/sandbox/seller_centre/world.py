"""What the seller centre shows: samples, creators, campaigns, products; as many as wanted, equal for equal seeds."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from zlib import crc32

#: The tabs as the address spells them, with their labels.
TABS = {
    "to_review": "To review",
    "ready_to_ship": "Ready to ship",
    "shipped": "Shipped",
    "content_pending": "Content pending",
    "completed": "Completed",
    "cancel": "Canceled",
}
WITH_CONTENT = frozenset({"content_pending", "completed"})
WITH_LOGISTICS = frozenset({"shipped", "content_pending", "completed"})
CATEGORIES = ("Beauty & Personal Care", "Health", "Home Supplies", "Fashion Accessories", "Food & Beverages", "Toys")
AGES = ("18-24", "25-34", "35-44", "45-54", "55+")
_NAMES = ("lupita", "dani", "sofía", "mateo", "valeria", "diego", "camila", "andrés", "renata", "emilio")
_WORDS = ("skin", "hogar", "cocina", "fit", "tech", "moda", "viajes", "mamá", "gaming", "diy")
_GOODS = ("Clay mask 100 g", "Vitamin C serum", "Bamboo brush set", "Air fryer liners", "Yoga mat", "Phone stand")
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class World:
    """A seller centre's data; every part is a function of the seed and its number."""

    samples: int = 120
    creators: int = 300
    campaigns: int = 6
    products: int = 40
    seed: int = 1

    def luck(self, *of: object) -> random.Random:
        """Return the chance that belongs to one thing."""
        return random.Random(crc32(":".join(map(str, (self.seed, *of))).encode()))

    # Samples ---------------------------------------------------------------------------------------------------------

    def applications(self, tab: str, campaign_id: str = "") -> Sequence[int]:
        """Return the numbers of a tab's sample requests, of campaigns whose id has that part where one is told."""
        numbers = range(self.samples)
        return [n for n in numbers if campaign_id in self._campaign_of(tab, n)] if campaign_id else numbers

    def application(self, tab: str, number: int) -> dict[str, Any]:
        """Return a sample request as the list's call tells it."""
        luck = self.luck("sample", tab, number)
        creator = self.creator(luck.randrange(self.creators))
        product = self.product(number % self.campaigns, luck.randrange(self.products))
        campaign = number % self.campaigns
        contents = self._contents(luck, tab)
        return {
            "apply_id": f"76{list(TABS).index(tab)}{number:016d}",
            "product_info": {
                "product_name": product["product_name"],
                "product_id": product["product_id"],
                "sku_info": f"{product['sku']} / {luck.choice(('S', 'M', 'L'))}",
                "stock": product["stock"],
                "sample_quota": product["available_samples"],
            },
            "creator_info": {
                "user_name": creator["handle"],
                "id": creator["user_id"],
                "oec_id": creator["creator_id"],
                "post_rate": f"{luck.randrange(0, 10001) / 100:.2f}%",
            },
            "campaign_info": {"campaign_id": self.campaign_id(campaign), "name": self.campaign(campaign)["name"]},
            "order_expired_time": luck.randrange(1, 7 * 24) * _DAY_MS // 24,
            "is_product_in_showcase": bool(luck.randrange(2)),
            "content_count": {"video": len(contents["1"]), "live": len(contents["2"])},
            "has_logistics": tab in WITH_LOGISTICS,
        }

    def contents(self, tab: str, number: int) -> dict[str, list[dict[str, Any]]]:
        """Return what was published for a sample: videos under 1, lives under 2."""
        luck = self.luck("sample", tab, number)
        luck.randrange(self.creators), luck.randrange(self.products)
        return self._contents(luck, tab)

    def logistics(self, tab: str, number: int) -> dict[str, Any]:
        """Return how a sample was shipped."""
        luck = self.luck("logistics", tab, number)
        tracking = f"MX{luck.randrange(10**9):09d}"
        events = [("Delivered", 3), ("Out for delivery", 3), ("Shipped", 1)][luck.randrange(3) :]
        return {
            "basic_info": [{"label": "Carrier", "value": "Estafeta"}, {"label": "Tracking number", "value": tracking}],
            "timeline": [
                {"title": title, "time": f"2026-01-{day:02d} 11:05", "status": "", "description": f"{title} in CDMX"}
                for title, day in events
            ],
            "table_rows": [["SKU", "Quantity"], ["default", "1"]],
        }

    def _campaign_of(self, tab: str, number: int) -> str:  # noqa: ARG002 -- the tabs are alike in it
        return self.campaign_id(number % self.campaigns)

    def _contents(self, luck: random.Random, tab: str) -> dict[str, list[dict[str, Any]]]:
        if tab not in WITH_CONTENT:
            return {"1": [], "2": []}
        videos = luck.choice((0, 1, 1, 2, 3, 12)) if tab == "completed" else 0
        lives = luck.choice((0, 0, 0, 1)) if tab == "completed" else 0
        return {
            "1": [_content(luck, n, "Video") for n in range(videos)],
            "2": [_content(luck, n, "Live") for n in range(lives)],
        }

    # Creators --------------------------------------------------------------------------------------------------------

    def creator(self, number: int) -> dict[str, Any]:
        """Return a creator as the search tells one."""
        return self._people[number]

    def creator_number(self, creator_id: str) -> int | None:
        """Return a creator's number."""
        number = int(creator_id[-12:]) if creator_id.isdecimal() else -1
        return number if 0 <= number < self.creators and self._people[number]["creator_id"] == creator_id else None

    @cached_property
    def _people(self) -> list[dict[str, Any]]:
        return [self._person(number) for number in range(self.creators)]

    def _person(self, number: int) -> dict[str, Any]:
        luck = self.luck("creator", number)
        name, word = luck.choice(_NAMES), luck.choice(_WORDS)
        return {
            "creator_id": f"7495000{number:012d}",
            "user_id": f"68{number:016d}",
            "handle": f"{_plain(name)}.{_plain(word)}{number}",
            "nickname": f"{name.title()} {word} 🌵" if number % 3 else f"{name.title()} {word}",
            "region": "MX",
            "followers": int(10 ** luck.uniform(2.5, 6.5)),
            "categories": luck.sample(CATEGORIES, luck.randrange(1, 4)),
            "gmv": int(10 ** luck.uniform(1, 5.5)),
            "items_sold": int(10 ** luck.uniform(0, 4)),
            "avg_views": int(10 ** luck.uniform(2, 6)),
            "engagement_rate": round(luck.uniform(0.2, 15), 2),
            "top_age": luck.choice(AGES),
            "female_share": luck.randrange(5, 96),
            "content_types": luck.choice((["Video"], ["Live"], ["Video", "Live"])),
        }

    def profile(self, number: int) -> dict[str, dict[str, Any]]:
        """Return a creator's page: what is told with it, and what only when one scrolls there."""
        person, luck = self.creator(number), self.luck("profile", number)
        followers, videos, lives = person["followers"], luck.randrange(1, 300), luck.randrange(0, 40)
        female = person["female_share"]
        return {
            "basic": {
                "creator_id": person["creator_id"],
                "handle": person["handle"],
                "nickname": person["nickname"],
                "region": "MX",
                "currency": "MXN",
                "bio": f"Contenido de {', '.join(person['categories'])}. Colabs por mensaje.",
                "categories": person["categories"],
                "followers": _short(followers),
            },
            "sales": {
                "gmv": f"${person['gmv']:,.2f}",
                "items_sold": _short(person["items_sold"]),
                "gpm": f"${luck.uniform(1, 900):,.2f}",
                "gmv_per_buyer": f"${luck.uniform(50, 900):,.2f}",
                "gmv_per_sales_channel": "Video 71%, LIVE 29%",
                "gmv_by_product_category": person["categories"][0],
                "avg_commission_rate": f"{luck.uniform(5, 30):.1f}%",
                "collab_products": luck.randrange(0, 120),
                "partnered_brands": f"{luck.randrange(0, 30)} brands",
                "product_price": "$100.00 - $500.00",
                "top_brands": luck.sample(["Aurela", "Nubia", "Cascada", "Solvia", "Rumbo"], 3),
            },
            "content": {
                "video": _medium(luck, videos, person["avg_views"], person["engagement_rate"]),
                "live": _medium(luck, lives, person["avg_views"] // 9, person["engagement_rate"] / 2),
            },
            "audience": {
                "female": f"{female}%",
                "male": f"{100 - female}%",
                "ages": dict(zip(AGES, _shares(luck, len(AGES)), strict=True)),
            },
            "contact": {
                "email": f"{person['handle']}@example.com" if number % 2 else "",
                "whatsapp": f"+52 55 {luck.randrange(10**7, 10**8)}" if number % 5 == 0 else "",
            },
        }

    # Campaigns and products ------------------------------------------------------------------------------------------

    def campaign_id(self, number: int) -> str:
        """Return a campaign's id."""
        return f"7563{number:015d}"

    def campaign_number(self, campaign_id: str) -> int | None:
        """Return a campaign's number."""
        return next((n for n in range(self.campaigns) if self.campaign_id(n) == campaign_id), None)

    @lru_cache(maxsize=10_000)  # noqa: B019 -- a world lives as long as its process
    def campaign(self, number: int) -> dict[str, Any]:
        """Return a campaign as the list's call tells it."""
        luck = self.luck("campaign", number)
        return {
            "campaign_id": self.campaign_id(number),
            "name": f"{luck.choice(('Spring', 'Holiday', 'Summer', 'Buen Fin'))} glow {number}",
            "status": luck.choice(("Ongoing", "Ongoing", "Upcoming", "Ended")),
            "registration_period": ["2026/01/01", "2026/01/20"],
            "campaign_period": ["2026/01/05", "2026/02/05"],
            "pending_count": luck.randrange(0, 9),
            "approved_count": self.products,
        }

    @lru_cache(maxsize=10_000)  # noqa: B019 -- the same
    def product(self, campaign: int, number: int) -> dict[str, Any]:
        """Return an approved product of a campaign."""
        luck = self.luck("product", campaign, number)
        low = luck.randrange(50, 900)
        return {
            "product_id": f"17294{campaign:03d}{number:011d}",
            "product_name": f"{_GOODS[number % len(_GOODS)]} no. {number}",
            "thumbnail": f"/static/goods.svg?{number}",
            "registered": "2026-01-03 10:00:00",
            "commission_rate": f"{luck.randrange(5, 30)}%",
            "price_range": f"${low:,.2f} - ${low * 1.2:,.2f}",
            "sku": f"CM-{number}",
            "stock": luck.randrange(0, 5000),
            "available_samples": luck.randrange(0, 60),
            "rating": round(luck.uniform(3, 5), 1),
            "reviews": luck.randrange(0, 900),
            "items_sold": _short(luck.randrange(0, 50_000)),
            "shop_name": f"Shop {campaign}",
            "shop_phone": f"+52 55 0000 {campaign:04d}",
            "shop_code": f"MXLC{campaign:04d}",
        }


def _content(luck: random.Random, number: int, kind: str) -> dict[str, Any]:
    return {
        "name": f"{kind} {number}: {luck.choice(('Mi rutina', 'Unboxing', 'Antes y después'))}",
        "time": f"2026-01-{luck.randrange(1, 29):02d} {luck.randrange(24):02d}:22",
        "views": _short(luck.randrange(0, 200_000)),
        "likes": luck.randrange(0, 9000),
        "comments": luck.randrange(0, 400),
        "orders": luck.randrange(0, 60),
        "earnings": f"${luck.randrange(0, 900_000) / 100:,.2f}",
    }


def _medium(luck: random.Random, count: int, views: int, engagement: float) -> dict[str, Any]:
    return {
        "gpm": f"${luck.uniform(1, 500):,.2f}",
        "count": count,
        "views": _short(views),
        "engagement_rate": f"{engagement:.2f}%",
        "likes": _short(views // 12),
        "comments": _short(views // 200),
        "shares": _short(views // 400),
    }


def _shares(luck: random.Random, parts: int) -> list[str]:
    cuts = sorted(luck.randrange(0, 101) for _ in range(parts - 1))
    return [f"{high - low}%" for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]


def _short(number: int) -> str:
    """Write a number as the page does: 950, 12.3K, 1.2M."""
    for size, letter in ((10**6, "M"), (10**3, "K")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + letter
    return str(number)


def _plain(word: str) -> str:
    return word.translate(str.maketrans("áéíóú", "aeiou"))
