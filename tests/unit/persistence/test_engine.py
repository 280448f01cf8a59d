"""Which database a URL names."""

import pytest

from persistence.engine import address_of


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///mesh.db", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////var/mesh.db", "sqlite+aiosqlite"),
        ("mysql://u:p@host/mesh", "mysql+asyncmy"),
        ("mysql+pymysql://u:p@host/mesh", "mysql+asyncmy"),
        ("mysql+asyncmy://u:p@host/mesh", "mysql+asyncmy"),
        ("mariadb://u:p@host/mesh", "mariadb+asyncmy"),
    ],
)
def test_the_driver_need_not_be_named(url: str, driver: str) -> None:
    assert address_of(url).drivername == driver


@pytest.mark.parametrize("url", ["postgresql://host/mesh", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_cannot_be_used_is_refused_by_name(url: str) -> None:
    with pytest.raises(ValueError, match="database"):
        address_of(url)


def test_a_password_stays_as_it_is() -> None:
    assert address_of("mysql://u:p%40%2Fss%25@host/mesh").password == "p@/ss%"
