"""Which addresses a link may choose from."""

from brokers.link import addresses


def test_one_address_stands_for_itself() -> None:
    assert addresses("amqp://mesh:a,b@host/") == ["amqp://mesh:a,b@host/"]


def test_the_nodes_of_a_cluster_are_divided_by_commas() -> None:
    assert addresses("amqp://a:1/v,amqps://u:p,w@b:2/v, amqp://c:3/v") == [
        "amqp://a:1/v",
        "amqps://u:p,w@b:2/v",
        "amqp://c:3/v",
    ]
