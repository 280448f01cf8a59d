"""`mesh deliveries`: chat tasks and what became of them; the uncertain ones are settled by a person."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import typer

from handlers.chatbot import outcome_of
from mesh.compose import in_transaction
from mesh.console import console, print_json, table
from persistence.uow import Transaction
from schemas.chatbot.messages import SendChatMessages
from schemas.chatbot.records import ChatDelivery, DeliveryState
from schemas.clock import utc_now
from schemas.outreach.records import Contact

COLUMNS = ["task key", "creator", "about", "by", "tries", "since (UTC)", "reason"]


def listed(state: str, *, limit: int, as_json: bool) -> None:
    """Print deliveries in a state, the longest unchanged first."""
    wanted = _state(state)
    found = asyncio.run(in_transaction("deliveries", lambda tx: tx.deliveries.listed(wanted, limit)))
    if as_json:
        print_json(found)
        return
    rows = [
        (
            each.task_key,
            each.platform_creator_id,
            f"{each.scenario} {each.run}" if each.scenario else each.outreach_task_id,
            each.sender,
            each.attempts,
            each.updated_at.strftime("%m-%d %H:%M"),
            each.reason,
        )
        for each in found
    ]
    console.print(table(f"Deliveries: {wanted}", COLUMNS, rows) if rows else f"No delivery is {wanted}.")


def resolve(task_keys: Sequence[str], *, was_sent: bool) -> None:
    """Settle uncertain deliveries as a person saw them in the chat: sent, or not sent and so sent again."""

    async def settle(tx: Transaction) -> list[ChatDelivery]:
        stored = await tx.deliveries.find(task_keys)
        uncertain = [each for each in stored.values() if each.state is DeliveryState.UNCERTAIN]
        done = [settled(each, was_sent=was_sent) for each in uncertain]
        await tx.deliveries.save(done)
        # What is sent again will say by itself what became of it.
        outcomes = (outcome_of(each, is_final=was_sent) for each in done)
        await tx.send_all(outcome for outcome in outcomes if outcome is not None)
        if not was_sent:
            await tx.send_all([again(each, await _contact(tx, each)) for each in uncertain if _is_ours(each)])
        return uncertain

    done = asyncio.run(in_transaction("deliveries", settle))
    console.print(f"{len(done)} settled as {'sent' if was_sent else 'not sent'}.")
    if lone := [each.task_key for each in done if not was_sent and not _is_ours(each)]:
        console.print(f"Not messages of ours, so publish them again yourself: {', '.join(lone)}", style="yellow")
    if missing := len(set(task_keys)) - len(done):
        console.print(f"{missing} of them are not uncertain; nothing was changed about those.", style="yellow")


def settled(delivery: ChatDelivery, *, was_sent: bool) -> ChatDelivery:
    """Return what a person's word makes of an uncertain delivery."""
    now = utc_now()
    if was_sent:
        return replace(delivery, state=DeliveryState.SENT, reason="seen in the chat", sent_at=now, updated_at=now)
    return replace(delivery, state=DeliveryState.FAILED, reason="not in the chat, sent again", updated_at=now)


async def _contact(tx: Transaction, delivery: ChatDelivery) -> Contact | None:
    """Return whom an outreach task wrote to: the message is to come from the same account."""
    if delivery.outreach_task_id is None:
        return None
    found = await tx.contacts.find(delivery.outreach_task_id, [delivery.platform_creator_id])
    return found.get(delivery.platform_creator_id)


def again(delivery: ChatDelivery, contact: Contact | None = None) -> SendChatMessages:
    """Return the batch that sends a message of ours again, under the identity that it had."""
    task = {
        "platformCreatorId": delivery.platform_creator_id,
        "region": delivery.region,
        "sampleId": delivery.sample_id,
        "scenario": delivery.scenario,
        "run": delivery.run,
        "outreachTaskId": delivery.outreach_task_id,
        "accountName": contact.account_name if contact else None,
        "platformCreatorUsername": contact.username_key if contact else None,
        "messages": delivery.messages,
    }
    return SendChatMessages.model_validate([task])


def _is_ours(delivery: ChatDelivery) -> bool:
    is_reminder = delivery.sample_id and delivery.scenario and delivery.run is not None
    return bool(is_reminder or delivery.outreach_task_id)


def _state(name: str) -> DeliveryState:
    try:
        return DeliveryState(name.lower())
    except ValueError:
        raise typer.BadParameter(f"a delivery is one of {', '.join(DeliveryState)}") from None
