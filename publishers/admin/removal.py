"""What happens to deliveries whose way was deleted: they would wait for ever, so they are cancelled with the reason."""

from publishers.admin.desk import Desk
from publishers.admin.repair import Repair
from schemas.relay.records import DeliveryState
from schemas.relay.selection import DeliverySelection

#: Beyond it, the rest stays held ("its credential was deleted") until it is cancelled by filter.
_MOST = 50_000


async def cancel_left(
    desk: Desk, reason: str, *, storefront_id: int | None = None, destination_id: int | None = None
) -> None:
    """Cancel what still waits for a storefront's destinations, or for one of them."""
    left = DeliverySelection(
        states=(DeliveryState.PENDING,), storefront_id=storefront_id, destination_id=destination_id
    )
    await Repair(uow=desk.uow, clock=desk.clock, selection=left, most=_MOST).cancel(reason)
