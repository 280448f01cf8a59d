"""The answer to when a creator was written to before."""

from brokers import topology
from brokers.delivery import Delivery
from brokers.router import Router
from persistence.creators import Shown
from persistence.uow import Uow
from schemas.creators.messages import Contacted, TellCreatorHistory, TellCreatorHistoryResult
from schemas.identity import creator_id
from schemas.outreach.records import username_key

router = Router()


@router.consume(topology.CREATORS_HISTORY_TELL)
async def tell_creator_history(delivery: Delivery[TellCreatorHistory], uow: Uow) -> TellCreatorHistoryResult:
    """Tell the messages that were sent to a creator, with what the chat has shown since. Safe to repeat: it only reads.

    Usernames are the same if they differ in case at most, and a display name counts only where it is the username.
    """
    asked = delivery.message
    usernames = {key for name in (asked.creator_username, asked.creator_name) if (key := username_key(name))}
    async with uow() as tx:
        found = await tx.contacts.sent(asked.creator_id, usernames, asked.limit)
        ids = {creator_id(each.platform, each.platform_creator_id) for each in found}
        shown = await tx.creators.shown(ids)
    unseen = Shown(connected=False, replied=False)
    records = []
    for contact in found:
        seen = shown.get((contact.platform, contact.platform_creator_id), unseen)
        records.append(
            Contacted(
                connect=contact.connected or seen.connected,
                reply=contact.replied or seen.replied,
                brand_name=contact.brand,
            )
        )
    return TellCreatorHistoryResult(records=records)
