"""Workers of marketing events, and the key of destinations' secrets."""

from collections.abc import Sequence

import pytest
from pydantic import SecretStr

from adapters.vault import new_key
from brokers import topology
from brokers.router import Route
from handlers.relay import ROUTERS
from mesh.compose import Composition, Unconfigured
from settings import Settings

ROUTES: Sequence[Route] = [route for router in ROUTERS for route in router]


def composition(*keys: str) -> Composition:
    nowhere = {"broker_url": SecretStr("amqp://nowhere"), "database_url": SecretStr("sqlite:////nowhere/at/all.db")}
    return Composition(Settings(_env_file=None, encryption_keys=tuple(map(SecretStr, keys)), **nowhere), "test")


@pytest.mark.parametrize("keys", [(), ("no-key-at-all",)])
def test_who_sends_to_destinations_does_not_start_without_a_key(keys: Sequence[str]) -> None:
    with pytest.raises(Unconfigured, match="MESH_ENCRYPTION_KEYS") as refused:
        composition(*keys).worker(list(ROUTES))
    assert "no-key-at-all" not in str(refused.value)


def test_who_only_takes_events_in_needs_none() -> None:
    taking = [route for route in ROUTES if route.queue != topology.RELAY_DELIVERIES_SEND]
    assert composition().worker(taking)


def test_with_two_keys_it_starts() -> None:
    assert composition(new_key(), new_key()).worker(list(ROUTES))
