import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesh.addresses import Addresses, admin_address, gateway_address
from mesh.embedded.process import ServiceFailed
from settings import Settings


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_the_operator_chose_is_never_replaced(taken: int) -> None:
    with pytest.raises(ServiceFailed, match=f"port {taken} on 127.0.0.1 is taken.*MESH_GATEWAY_PORT"):
        gateway_address(Settings(_env_file=None, gateway_port=taken))


def test_the_default_port_gives_way_to_the_next_free_one(taken: int) -> None:
    default = Settings(_env_file=None).model_copy(update={"gateway_port": taken})
    default.__pydantic_fields_set__.clear()
    host, port = gateway_address(default)
    assert (host, port > taken) == ("127.0.0.1", True)


def test_port_zero_is_any_free_one() -> None:
    _, port = gateway_address(Settings(_env_file=None, gateway_port=0))
    assert port > 0


def test_secrets_are_not_in_what_is_printed(tmp_path: Path) -> None:
    addresses = Addresses(
        gateway_url="http://127.0.0.1:8000",
        data_dir=tmp_path,
        broker_url="amqp://mesh:hidden@127.0.0.1/",
        broker_management_url=None,
        database_url="mysql://mesh:hidden@127.0.0.1/",
        redis_url="redis://:hidden@127.0.0.1/",
        service_tokens=("hidden", "hidden-too"),
    )
    assert "hidden" not in repr(addresses)
    assert addresses.environment()["MESH_SERVICE_TOKEN"] == "hidden"
    assert "MESH_BROKER_MANAGEMENT_URL" not in addresses.environment()


def test_the_admin_api_leaves_the_gateways_port_alone() -> None:
    _, gateway = gateway_address(Settings(_env_file=None, gateway_port=0))
    default = Settings(_env_file=None).model_copy(update={"admin_port": gateway})
    default.__pydantic_fields_set__.clear()
    _, port = admin_address(default, besides=gateway)
    assert port != gateway
    with pytest.raises(ServiceFailed, match="MESH_ADMIN_PORT"):
        admin_address(Settings(_env_file=None, admin_port=gateway), besides=gateway)


def test_an_operators_login_is_ready_for_a_client(tmp_path: Path) -> None:
    addresses = Addresses(
        gateway_url="http://127.0.0.1:8000",
        data_dir=tmp_path,
        broker_url="amqp://here/",
        broker_management_url=None,
        database_url="sqlite:///here",
        redis_url="redis://here/",
        service_tokens=("token",),
        admin_url="http://127.0.0.1:8001",
        admin_users=("ada:a:password:admin+secrets", "bob:another:read"),
    )
    assert addresses.environment()["MESH_ADMIN_LOGIN"] == "ada:a:password"
    assert "password" not in repr(addresses)
