"""What each meaning of a message is answered with, from rows read at that moment."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from handlers.replies import confirming, wording
from handlers.replies.router import Routed
from handlers.replies.scene import Said, Scene
from handlers.replies.wishing import named, wished
from schemas.replies.intents import SURE, Guess, Intent, guess
from schemas.replies.records import ReplyKind
from schemas.replies.sizes import ShoeSize
from schemas.replies.stock import Category
from schemas.replies.wishes import Wish
from schemas.replies.words import words_of

#: A picture is answered with the same words at most so often.
NOTICE_EVERY: Final = timedelta(minutes=10)
#: What is shown beside "nothing found": enough to look at, not the answer to another question.
INSTEAD: Final = 3
#: A bare number is a menu's when it is lower. Shoes are between these sizes in every system that we sell by.
SHOE_SIZES: Final = range(5, 50)
#: So many codes in one message are answered one by one.
PIECES: Final = 3


async def act(scene: Scene, routed: Routed) -> Said | None:
    """Answer what a message certainly means; None where the same was said a moment ago."""
    if routed.sku is not None:
        return await _BY_CODE[routed.intent](scene, routed.sku)
    if routed.intent is Intent.CONFIRM:
        return await confirming.confirm(scene)
    if routed.intent is Intent.DECLINE:
        return Said(wording.DECLINED, Intent.DECLINE)
    if routed.intent is Intent.ORDER_STATUS:
        return await _orders(scene, routed.code)
    if routed.intent is Intent.WORDLESS:
        return _wordless(scene)
    return await _BY_GUESS[routed.intent](scene, guess(routed.intent, 1), "")


async def act_on_guess(scene: Scene, read: Guess, text: str, *, is_fallback: bool = False) -> Said:
    """Answer what somebody takes a message to mean; nothing that is stored changes by it.

    A guess that is not sure is answered with a question; where even the question was guessed without the model that
    should have read the message, with the way to a person.
    """
    if read.confidence < SURE or read.intent == Intent.OTHER.value:
        words = words_of(text)
        if len(words) == 1 and words[0].isdecimal() and len(words[0]) <= len(str(SHOE_SIZES.stop)):
            return await _shoes(scene, int(words[0]))
        asking = wording.HELPLESS if is_fallback else wording.ASK_AGAIN
        return Said(f"{asking}\n{wording.MENU}", Intent.OTHER, shows_menu=True)
    return await _BY_GUESS[Intent(read.intent)](scene, read, text)


async def _orders(scene: Scene, code: str | None) -> Said:
    """Tell the customer's own orders; another's code is as unknown as one that never was."""
    views = await scene.tx.orders.of_user(scene.user_id, code=code)
    if not views:
        return Said(wording.UNKNOWN_ORDER if code else wording.NO_ORDERS, Intent.ORDER_STATUS)
    return Said("\n".join(wording.order_line(each) for each in views), Intent.ORDER_STATUS)


async def _new_drops(scene: Scene) -> Said:
    views = await scene.tx.stock.search(Wish(), scene.now, user_id=scene.user_id)
    return Said(wording.listing("New in:", views) if views else wording.NOTHING_NEW, Intent.NEW_DROPS)


async def _search(scene: Scene, wish: Wish, intent: Intent) -> Said:
    if wish.is_empty:
        return Said(f"{wording.ASK_AGAIN}\n{wording.MENU}", intent, shows_menu=True)
    views = await scene.tx.stock.search(wish, scene.now, user_id=scene.user_id)
    if views:
        return Said(wording.listing("We have:", views), intent)
    close = wish.without_words()
    heading = f"{wording.NOTHING_FOUND} Close to it:"
    if close.is_empty or close == wish:
        close, heading = Wish(category=wish.category), f"{wording.NOTHING_FOUND} New in:"
    views = await scene.tx.stock.search(close, scene.now, user_id=scene.user_id, limit=INSTEAD)
    return Said(wording.listing(heading, views) if views else wording.NOTHING_FOUND, intent)


async def _pieces(scene: Scene, skus: list[str], intent: Intent) -> Said:
    """Tell how pieces stand, each in words of its own."""
    views = [await scene.tx.stock.find(sku, scene.now) for sku in skus[:PIECES]]
    told = [wording.piece(each, scene.user_id, scene.policy.minutes) for each in views if each is not None]
    return Said("\n".join(told) if told else wording.NO_PIECE, intent)


async def _shoes(scene: Scene, size: int) -> Said:
    if size not in SHOE_SIZES:
        return Said(f"{wording.ASK_AGAIN}\n{wording.MENU}", Intent.OTHER, shows_menu=True)
    wish = Wish(category=Category.SHOES, shoe_size=ShoeSize(Decimal(size), None))
    return await _search(scene, wish, Intent.SIZE)


def _wordless(scene: Scene) -> Said | None:
    noticed = scene.thread.noticed_at
    if noticed is not None and scene.now - noticed < NOTICE_EVERY:
        return None
    return Said(f"{wording.WORDLESS}\n{wording.MENU}", Intent.WORDLESS, ReplyKind.NOTICE, shows_menu=True)


async def _piece(scene: Scene, sku: str) -> Said:
    return await _pieces(scene, [sku], Intent.ITEM)


async def _guessed_orders(scene: Scene, read: Guess, text: str) -> Said:  # noqa: ARG001 -- one shape for all guesses
    return await _orders(scene, None)


async def _guessed_new_drops(scene: Scene, read: Guess, text: str) -> Said:  # noqa: ARG001 -- the same
    return await _new_drops(scene)


async def _guessed_human(scene: Scene, read: Guess, text: str) -> Said:  # noqa: ARG001 -- the same
    return Said(wording.HANDED_OVER, Intent.HUMAN, ReplyKind.HANDOVER)


async def _guessed_menu(scene: Scene, read: Guess, text: str) -> Said:  # noqa: ARG001 -- the same
    return Said(wording.MENU, Intent.MENU, shows_menu=True)


async def _greeting(scene: Scene, read: Guess, text: str) -> Said:  # noqa: ARG001 -- the same
    return Said(f"{wording.GREETING}\n{wording.MENU}", Intent.GREETING, shows_menu=True)


async def _guessed_search(scene: Scene, read: Guess, text: str) -> Said:
    return await _search(scene, wished(read, text), Intent.SEARCH)


async def _about_a_piece(scene: Scene, read: Guess, text: str) -> Said:
    """Answer a question about a piece with all that is known of it, or look for what was described."""
    skus = named(text, read, scene.history)
    wish = wished(read, text)
    described = replace(wish, sku=None)
    if skus and (wish.sku or not described.words):
        return await _pieces(scene, skus, Intent(read.intent))
    if described.is_empty:
        return Said(wording.WHICH_PIECE, Intent(read.intent))
    return await _search(scene, described, Intent(read.intent))


async def _reserve(scene: Scene, read: Guess, text: str) -> Said:
    skus = named(text, read, scene.history)
    view = await scene.tx.stock.find(skus[0], scene.now) if len(skus) == 1 else None
    if view is not None:
        return await confirming.offer_hold(scene, view)
    return Said(wording.NO_PIECE if len(skus) == 1 else wording.WHICH_PIECE, Intent.RESERVE)


async def _cancel_hold(scene: Scene, read: Guess, text: str) -> Said:
    skus = named(text, read, ())
    return await confirming.offer_release(scene, skus[0] if len(skus) == 1 else None)


async def _haggle(scene: Scene, read: Guess, text: str) -> Said:
    skus = named(text, read, scene.history)
    view = await scene.tx.stock.find(skus[0], scene.now) if len(skus) == 1 else None
    if view is None:
        return Said(wording.NO_PIECE if len(skus) == 1 else wording.WHICH_PIECE, Intent.HAGGLE)
    tell = wording.negotiable if view.item.negotiable else wording.fixed
    return Said(tell(view.item), Intent.HAGGLE)


_BY_CODE: Final[Mapping[Intent, Callable[[Scene, str], Awaitable[Said]]]] = {
    Intent.HOLD: confirming.hold,
    Intent.RELEASE: confirming.release,
    Intent.BUY: confirming.offer_order,
    Intent.WAIT: confirming.wait,
    Intent.ITEM: _piece,
}
_BY_GUESS: Final[Mapping[Intent, Callable[[Scene, Guess, str], Awaitable[Said]]]] = {
    Intent.MENU: _guessed_menu,
    Intent.ORDER_STATUS: _guessed_orders,
    Intent.NEW_DROPS: _guessed_new_drops,
    Intent.HUMAN: _guessed_human,
    Intent.SEARCH: _guessed_search,
    Intent.SIZE: _about_a_piece,
    Intent.AVAILABILITY: _about_a_piece,
    Intent.RESERVE: _reserve,
    Intent.CANCEL_HOLD: _cancel_hold,
    Intent.GREETING: _greeting,
    Intent.HAGGLE: _haggle,
}
