"""What a guess looks for, in the terms of stock: what the customer wrote, narrowed by what a model read in it. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from handlers.replies.router import skus_in
from schemas.replies.intents import Guess
from schemas.replies.records import ChatMessage, Role
from schemas.replies.sizes import ShoeSize, size_tokens
from schemas.replies.stock import Category
from schemas.replies.wishes import MOST_WORDS, TOLERANCE, Measured, Wish, wish_of
from schemas.replies.words import words_of

#: A query longer than that is no query.
LONGEST: Final = 200
#: Prices are stored in 31 bits.
MOST_KES: Final = 2**31 - 1


def wished(guess: Guess, text: str) -> Wish:
    """Return what to look for; a filter that the customer wrote is kept, one that a model read is added.

    A piece's code is taken from the customer's words alone.
    """
    own = wish_of(text)
    read = wish_of((guess.query or "")[:LONGEST])
    words = read.words if guess.query and read.words else own.words
    # A brand is looked for as a word, since nobody writes Levi's as its label does.
    words = tuple(dict.fromkeys((*words, *words_of((guess.brand or "")[:LONGEST]))))[:MOST_WORDS]
    wish = replace(own, words=words, category=own.category or _category(guess) or read.category)
    if wish.tag_size is None and guess.tag_size and wish.shoe_size is None:
        wish = replace(wish, tag_size=next(iter(size_tokens(guess.tag_size[:20])), None))
    if wish.shoe_size is None and guess.shoe_size and 0 < guess.shoe_size < MOST_KES:
        number = Decimal(str(guess.shoe_size)).quantize(Decimal("0.1"))
        wish = replace(wish, shoe_size=ShoeSize(number, guess.shoe_system), tag_size=None)
    if wish.max_price is None and guess.max_price_kes is not None:
        wish = replace(wish, max_price=min(max(guess.max_price_kes, 0), MOST_KES))
    if not wish.measures and guess.measurement and guess.measurement_inches and 0 < guess.measurement_inches < MOST_KES:
        inches = Decimal(str(guess.measurement_inches))
        wish = replace(wish, measures=(Measured(guess.measurement, inches - TOLERANCE, inches + TOLERANCE),))
    return wish


def named(text: str, guess: Guess | None, history: Sequence[ChatMessage]) -> list[str]:
    """Return the codes of the pieces that a message is about: those in it, or the one that the bot spoke of last.

    A code that a model names counts where it was written in the conversation: codes come from people and from stock.
    """
    if own := skus_in(text):
        return own
    spoken = [each for each in reversed(history) if each.role is not Role.SYSTEM]
    if guess is not None and guess.sku:
        read = skus_in(guess.sku)
        known = {sku for each in spoken for sku in skus_in(each.content)}
        if read and read[0] in known:
            return read[:1]
    for each in spoken:
        if each.role in (Role.ASSISTANT, Role.OPERATOR):
            skus = skus_in(each.content)
            if len(skus) == 1:
                return skus
            if skus:
                return []
    return []


def _category(guess: Guess) -> Category | None:
    return Category(guess.category) if guess.category else None
