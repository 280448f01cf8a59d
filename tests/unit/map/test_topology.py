"""The map is honest: what is declared, consumed and said fits together."""

import importlib
import inspect
import pkgutil

import schemas
from brokers import declare, topology
from brokers.outgoing import outgoing
from handlers import ROUTES
from schemas.base import Message
from schemas.chatbot.messages import SendChatMessages

DECLARED = declare.whole(topology.DOMAINS, topology.QUEUES)


def _messages() -> set[type]:
    found: set[type] = set()
    for module in pkgutil.walk_packages(schemas.__path__, "schemas."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if hasattr(each, "key") and isinstance(inspect.getattr_static(each, "key", None), str):
                found.add(each)
    return found


def test_every_queue_has_exactly_one_handler() -> None:
    assert sorted(route.queue.name for route in ROUTES) == sorted(queue.name for queue in topology.QUEUES)


def test_every_message_has_a_queue_that_its_key_leads_to() -> None:
    keys = {key for queue in topology.QUEUES for key in (queue.name, *queue.keys)}
    assert {each.key for each in _messages()} <= keys  # type: ignore[attr-defined]
    assert _messages() >= {queue.message for queue in topology.QUEUES}


def test_queue_key_message_and_handler_are_one_grep() -> None:
    for route in ROUTES:
        if not route.queue.listens_to:
            assert route.queue.message.key == route.queue.name
        named = route.handler.__name__.removeprefix("on_" if route.queue.listens_to else "")
        words = [word for word in named.split("_") if word]
        assert "".join(word.capitalize() for word in words) == route.queue.message.__name__


def test_a_listener_is_named_by_its_domain_and_by_what_it_hears() -> None:
    for route in ROUTES:
        if route.queue.listens_to:
            assert route.queue.name == f"{route.queue.domain}.{route.handler.__name__.replace('_', '-')}"
            assert all(key.startswith(route.queue.message.key) for key in route.queue.keys)
            assert route.queue.exchange == f"{route.queue.message.key.partition('.')[0]}.topic"


def test_every_handler_tells_its_story() -> None:
    for route in ROUTES:
        assert "Safe to repeat" in (inspect.getdoc(route.handler) or ""), route.handler.__name__


def test_what_we_say_ourselves_is_addressed_to_a_declared_exchange() -> None:
    message = SendChatMessages.model_validate([{"platformCreatorId": "1", "messages": ["hola"]}])
    address = outgoing(message)  # type: ignore[arg-type]
    assert address.exchange in {exchange.name for exchange in DECLARED.exchanges}


def test_every_queue_is_a_quorum_queue_with_a_dead_letter_queue_that_never_expires() -> None:
    declared = {queue.name: queue.arguments for queue in DECLARED.queues}
    assert all(arguments["x-queue-type"] == "quorum" for arguments in declared.values())
    for queue in topology.QUEUES:
        for name in queue.physical_names:
            assert declared[name]["x-dead-letter-strategy"] == "at-least-once"
            assert declared[name]["x-overflow"] == "reject-publish"
        assert not {"x-message-ttl", "x-expires", "x-max-length"} & declared[queue.dead].keys()


def test_every_exchange_keeps_its_strays() -> None:
    for exchange in DECLARED.exchanges:
        assert exchange.alternate == "mesh.unrouted" or exchange.name == "mesh.unrouted"


def test_prefetch_is_finite_and_fills_a_group() -> None:
    for queue in topology.QUEUES:
        assert 0 < queue.prefetch <= 2000
        assert queue.batch is None or queue.prefetch >= queue.batch.size


def test_every_partitioned_queue_says_by_what() -> None:
    assert [queue.name for queue in topology.QUEUES if queue.partitions and queue.key_of is None] == []


def test_messages_are_immutable() -> None:
    for each in _messages():
        if issubclass(each, Message):
            assert each.model_config["frozen"]
