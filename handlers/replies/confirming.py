"""The only ways in which a conversation changes what is stored: fixed words that name a piece, and a yes to an offer.

What somebody guessed a message to mean makes an offer at most.
"""

from typing import Final

from handlers.replies import wording
from handlers.replies.scene import Said, Scene
from schemas.replies.intents import Intent
from schemas.replies.stock import Item, ItemStatus, NotHeld, StockView, Waiting

HOLD: Final = "hold"
RELEASE: Final = "release"
ORDER: Final = "order"


async def hold(scene: Scene, sku: str) -> Said:
    """Keep a piece for the customer, who asked for it by its code. Asked again, it is the same hold."""
    outcome = await scene.tx.holds.hold(scene.user_id, scene.thread.conversation_id, sku, scene.now, scene.policy.hold)
    if outcome.item is not None and outcome.hold is not None:
        return Said(wording.kept(outcome.item, outcome.hold.expires_at, is_new=outcome.is_new), Intent.HOLD)
    why = outcome.refused or NotHeld.UNKNOWN
    return Said(wording.refused(outcome.item, why, scene.policy.hold.most), Intent.HOLD)


async def release(scene: Scene, sku: str) -> Said:
    """Give a piece up that is kept for the customer; nobody can give up another's."""
    given_up = await scene.tx.holds.release(scene.user_id, sku, scene.now)
    view = await scene.tx.stock.find(sku, scene.now) if given_up else None
    return Said(wording.released(view.item) if view else wording.NO_HOLDS, Intent.RELEASE)


async def wait(scene: Scene, sku: str) -> Said:
    """Put the customer on the list of those who want a piece, unless it can be had at once."""
    view = await scene.tx.stock.find(sku, scene.now)
    if view is None or view.item.id is None:
        return Said(wording.NO_PIECE, Intent.WAIT)
    status = view.status_for(scene.user_id)
    if status is not ItemStatus.RESERVED:
        return Said(wording.piece(view, scene.user_id, scene.policy.minutes), Intent.WAIT)
    await scene.tx.holds.wait(
        Waiting(
            inventory_id=view.item.id,
            user_id=scene.user_id,
            conversation_id=scene.thread.conversation_id,
            created_at=scene.now,
        )
    )
    return Said(wording.WAITING, Intent.WAIT)


async def offer_hold(scene: Scene, view: StockView) -> Said:
    """Ask whether a piece shall be kept."""
    if view.is_held_by(scene.user_id) or view.status_for(scene.user_id) is not ItemStatus.AVAILABLE:
        return Said(wording.piece(view, scene.user_id, scene.policy.minutes), Intent.RESERVE)
    body = wording.offered_hold(view.item, scene.policy.minutes)
    return Said(body, Intent.RESERVE, proposal={"do": HOLD, "sku": view.item.sku})


async def offer_release(scene: Scene, sku: str | None) -> Said:
    """Ask whether a piece shall be given up: the one that was named, or the only one that is kept."""
    kept = [item for _, item in await scene.tx.holds.of_user(scene.user_id, scene.now) if sku in (None, item.sku)]
    if not kept:
        return Said(wording.NO_HOLDS, Intent.CANCEL_HOLD)
    if len(kept) > 1:
        return Said(f"{wording.WHICH_PIECE} {', '.join(each.sku for each in kept)}?", Intent.CANCEL_HOLD)
    return Said(wording.offered_release(kept[0]), Intent.CANCEL_HOLD, proposal={"do": RELEASE, "sku": kept[0].sku})


async def offer_order(scene: Scene, sku: str) -> Said:
    """Tell what an order would cost, and ask whether to make it."""
    view = await scene.tx.stock.find(sku, scene.now)
    if view is None:
        return Said(wording.NO_PIECE, Intent.BUY)
    if view.status_for(scene.user_id) is not ItemStatus.AVAILABLE:
        return Said(wording.gone(view.item, view.status_for(scene.user_id)), Intent.BUY)
    return _offered(view.item)


async def confirm(scene: Scene) -> Said:
    """Do what was offered, as far as it still can be done."""
    offer = scene.thread.proposal or {}
    sku = str(offer.get("sku", ""))
    match offer.get("do"):
        case "hold":
            return await hold(scene, sku)
        case "release":
            return await release(scene, sku)
        case "order":
            return await _order(scene, sku, offer.get("total"))
    return Said(wording.LAPSED, Intent.CONFIRM)


async def _order(scene: Scene, sku: str, total: object) -> Said:
    """Make an order at the price that was agreed; at any other price, ask again."""
    outcome = await scene.tx.holds.hold(scene.user_id, scene.thread.conversation_id, sku, scene.now, scene.policy.hold)
    if outcome.item is None or outcome.hold is None:
        why = outcome.refused or NotHeld.UNKNOWN
        return Said(wording.refused(outcome.item, why, scene.policy.hold.most), Intent.BUY)
    if outcome.item.price_kes != total:
        return _offered(outcome.item)
    made = await scene.tx.orders.from_holds(
        scene.user_id,
        scene.thread.conversation_id,
        [sku],
        scene.now,
        pay_within=scene.policy.pay_within,
        tiktok_event_id=scene.message_id,
    )
    return Said(wording.ordered(made) if made else wording.LAPSED, Intent.BUY)


def _offered(item: Item) -> Said:
    offer = {"do": ORDER, "sku": item.sku, "total": item.price_kes}
    return Said(wording.offered_order([item]), Intent.BUY, proposal=offer)
