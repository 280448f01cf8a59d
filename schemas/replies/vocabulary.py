"""The words of a wish that are not looked for as they stand: they say a category, or nothing, or say it in Swahili."""

from collections.abc import Mapping
from typing import Final

#: Words that say which category a piece is in, besides what they say themselves.
CATEGORIES: Final[Mapping[str, str]] = dict.fromkeys(
    ("shoe", "shoes", "sneaker", "sneakers", "boot", "boots", "trainers", "loafer", "loafers", "footwear", "heels"),
    "SHOES",
) | dict.fromkeys(("clothes", "clothing"), "CLOTHES")

#: What people say around a wish. A word that names a piece, a colour or a brand never belongs here.
FILLERS: Final = frozenset(
    """
    a about all also am an and any anything are around at available avail be been bob buy by can check could cost
    costs cool dear did do does dope else find for from get give go good got great had has have hello help hey hi
    hold how i id if ill im in inch inches into is it item its ive just kes know ksh left let like list look looking
    lot love may me more much my need new nice no not now of ok okay on one ones only or other our out piece pieces
    pit please pls plz price prices question really reply right same see sell selling send share shop show size
    sized sizes so some something sorry still stock such sure than thank thanks that thats the their them then there
    these they thing things this those three to today too two us uk eu cm u up ur use very wanna want wanted was we
    were what whats when where which who will with would yeah yes yet yo you your bei gani ina iko je kama kuna kwa
    mambo naomba nataka natafuta niko ngapi niaje poa sasa sana size saizi tafadhali unayo una ya za wa na ni
    """.split()  # noqa: SIM905 -- a page of words is read, not a page of quotes
)

#: The Swahili and Sheng that customers mix in, by what the stock is written in.
SWAHILI: Final[Mapping[str, str]] = {
    "viatu": "shoes",
    "kiatu": "shoes",
    "njumu": "boots",
    "nguo": "clothes",
    "koti": "coat",
    "makoti": "coat",
    "jaketi": "jacket",
    "jacko": "jacket",
    "shati": "shirt",
    "mashati": "shirt",
    "sweta": "sweater",
    "suruali": "trousers",
    "longi": "trousers",
    "jinzi": "jeans",
    "gauni": "dress",
    "sketi": "skirt",
    "kofia": "hat",
    "nyeusi": "black",
    "nyeupe": "white",
    "nyekundu": "red",
    "bluu": "blue",
    "kijani": "green",
    "kahawia": "brown",
}
