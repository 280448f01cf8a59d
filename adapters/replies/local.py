"""Reads messages with example phrases and patience for slips of the keyboard: no key, no network, no download."""

from collections.abc import Mapping
from typing import Final

from rapidfuzz import fuzz, process, utils

from adapters.replies.deciding import Away, Question
from schemas.replies.intents import Guess, Intent, guess
from schemas.replies.wishes import Wish, wish_of
from schemas.replies.words import words_of

#: Out of a hundred: two slips in a short sentence are still the sentence.
ALIKE: Final = 84
#: A phrase of at least that many words says what it says inside a longer message too.
TELLING: Final = 2
#: A word of that length says it too, where nothing else is meant by it.
TELLING_LETTERS: Final = 7
#: Nobody describes a piece with more words, none of which is a size, a price or a kind.
MOST_DESCRIBED: Final = 4
#: A message much longer than the phrase that it holds is about something else as well.
LONGEST: Final = 24

#: English, Swahili and Sheng as customers write them. Phrases that name pieces do not belong here: stock is searched.
PHRASES: Final[Mapping[Intent, tuple[str, ...]]] = {
    Intent.ORDER_STATUS: (
        "where is my order",
        "wheres my order",
        "order status",
        "my order status",
        "track my order",
        "has my order shipped",
        "when will my order arrive",
        "have you shipped my order",
        "my parcel",
        "where is my parcel",
        "did you send my order",
        "oda yangu iko wapi",
        "order yangu iko wapi",
        "mzigo wangu uko wapi",
        "what happened to my order",
        "my delivery",
        "any update on my order",
        "status of my order",
        "order update",
    ),
    Intent.NEW_DROPS: (
        "new drops",
        "what is new",
        "whats new",
        "what is new this week",
        "whats new this week",
        "new arrivals",
        "anything new",
        "show me new pieces",
        "latest drops",
        "new stock",
        "what do you have",
        "what have you got",
        "show me what you have",
        "mko na nini",
        "kuna nini mpya",
        "mpya gani",
        "nini mpya",
        "what came in",
        "what are you selling",
        "this weeks drop",
        "latest pieces",
    ),
    Intent.HUMAN: (
        "talk to a person",
        "talk to a human",
        "speak to someone",
        "real person",
        "can i talk to someone",
        "customer care",
        "call me",
        "i want a human",
        "speak to an agent",
        "talk to the owner",
        "human please",
        "is this a bot",
        "nataka kuongea na mtu",
        "naomba kuongea na mtu",
        "nipigie",
        "let me speak to a person",
        "i have a complaint",
        "i want a refund",
        "is anyone there",
        "who is in charge",
        "complaint",
        "manager",
        "malalamiko",
        "talk to someone",
    ),
    Intent.RESERVE: (
        "hold it for me",
        "please hold it",
        "reserve it for me",
        "keep it for me",
        "i will take it",
        "ill take it",
        "i want to buy it",
        "i want it",
        "can you hold it",
        "can you reserve",
        "niwekee",
        "nitachukua",
        "naichukua",
        "put it aside",
        "can i buy it",
        "i would like to buy",
        "save it for me",
        "i want this one",
        "can you hold",
        "can you keep",
        "nishikie",
    ),
    Intent.CANCEL_HOLD: (
        "cancel my hold",
        "cancel the hold",
        "release my hold",
        "i dont want it anymore",
        "i changed my mind",
        "cancel my reservation",
        "unreserve it",
        "let it go",
        "sitaki tena",
        "no longer want it",
        "you can release it",
        "cancel reservation",
    ),
    Intent.HAGGLE: (
        "last price",
        "whats your last price",
        "best price",
        "can you reduce the price",
        "any discount",
        "give me a discount",
        "punguza bei",
        "bei ya mwisho",
        "can i get it for less",
        "lower the price",
        "too expensive",
        "ni ghali",
        "price negotiable",
        "is the price negotiable",
        "can you do better on the price",
        "nipunguzie",
        "make it cheaper",
    ),
    Intent.AVAILABILITY: (
        "is it still available",
        "still available",
        "is this available",
        "is it still there",
        "do you still have it",
        "is it sold",
        "bado iko",
        "iko bado",
        "ipo",
        "still there",
        "available",
        "is it gone",
        "how much is it",
        "how much",
        "bei gani",
        "ni how much",
        "price please",
        "bei",
        "ni ngapi",
        "what is the price",
        "unauza how much",
    ),
    Intent.SIZE: (
        "what size is it",
        "which size",
        "what is the size",
        "size gani",
        "does it fit",
        "will it fit me",
        "how does it fit",
        "what are the measurements",
        "measurements please",
        "is it true to size",
        "saizi gani",
        "pit to pit",
        "how big is it",
    ),
    Intent.GREETING: (
        "hi",
        "hello",
        "hey",
        "niaje",
        "mambo",
        "sasa",
        "habari",
        "good morning",
        "good afternoon",
        "good evening",
        "hi there",
        "jambo",
        "vipi",
        "xaxa",
        "hey there",
        "hello there",
        "uko aje",
        "hujambo",
        "shikamoo",
        "thank you",
        "thanks",
        "asante",
        "asante sana",
        "ok thanks",
        "thank you so much",
    ),
    Intent.MENU: (
        "menu",
        "help",
        "what can you do",
        "options",
        "how does this work",
        "how do i order",
        "nisaidie",
        "show menu",
    ),
}
_CHOICES: Final = {
    f"{intent}:{number}": " ".join(words_of(phrase))
    for intent, phrases in PHRASES.items()
    for number, phrase in enumerate(phrases)
}
#: What these are made of describes no piece.
_SAID: Final = frozenset(word for phrase in _CHOICES.values() for word in phrase.split())
#: Said around anything; they stand alone or mean nothing.
_ALONE: Final = frozenset({Intent.GREETING, Intent.MENU})
#: They ask about a piece: where a message names one that stock can be searched for, it is a search.
_ABOUT_A_PIECE: Final = frozenset({Intent.AVAILABILITY, Intent.SIZE, Intent.NEW_DROPS})


class Local:
    """Reads by likeness to phrases; what is like none and describes a piece is a search."""

    name = "local"
    version: str | None = None
    instructions = ""

    async def classify(self, question: Question) -> Guess | Away:
        """Return what a message means; at once, and always."""
        return self.read(question.text)

    def read(self, text: str) -> Guess:
        """Return what a message means."""
        words = words_of(text[:2000])
        wish = wish_of(text)
        described = [word for word in wish.words if word not in _SAID]
        intent, score = _likest(words)
        if intent is not None and not (intent in _ABOUT_A_PIECE and described and not wish.sku):
            return guess(intent, score / 100, sku=wish.sku)
        if wish.sku is not None:
            return guess(Intent.AVAILABILITY, 0.9, sku=wish.sku)
        has_filters = not wish.without_words().is_empty
        if has_filters or 0 < len(described) <= MOST_DESCRIBED:
            return guess(Intent.SEARCH, 0.7, query=" ".join(words)[:200], **_slots(wish))
        return guess(Intent.OTHER, 0.0)


def _slots(wish: Wish) -> dict[str, object]:
    return {
        "category": wish.category.value if wish.category else None,
        "tag_size": wish.tag_size,
        "shoe_size": float(wish.shoe_size.number) if wish.shoe_size else None,
        "shoe_system": wish.shoe_size.system if wish.shoe_size else None,
        "max_price_kes": wish.max_price,
    }


def _likest(words: list[str]) -> tuple[Intent | None, float]:
    """Return the intent of the phrase that a message is like, or holds, and how much out of a hundred."""
    text = " ".join(words[:LONGEST])
    if not text:
        return None, 0
    whole = process.extractOne(text, _CHOICES, scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=ALIKE)
    if whole is not None:
        return Intent(whole[2].partition(":")[0]), whole[1]
    padded = f" {text} "
    held = [
        (len(phrase), Intent(key.partition(":")[0]))
        for key, phrase in _CHOICES.items()
        if f" {phrase} " in padded and _is_telling(phrase, Intent(key.partition(":")[0]))
    ]
    told = [each for each in held if each[1] not in _ALONE]
    return (max(told)[1], ALIKE) if told else (None, 0)


def _is_telling(phrase: str, intent: Intent) -> bool:
    if len(phrase.split()) >= TELLING:
        return True
    return len(phrase) >= TELLING_LETTERS and intent in (
        Intent.RESERVE,
        Intent.HAGGLE,
        Intent.CANCEL_HOLD,
        Intent.HUMAN,
    )
