"""What is tried against what: servers, where they come from, and the suites that each pair runs."""

from dataclasses import dataclass

#: Longest that a suite may take, in seconds: some four times what it takes on two idle cores.
SUITES = {"mesh": 900, "contract": 900, "chaos": 2400}


@dataclass(frozen=True, slots=True)
class Server:
    """A server as one of Debian's releases packages it; the version is what it must say it is."""

    product: str
    version: str
    release: str

    @property
    def package(self) -> str:
        return {"RabbitMQ": "rabbitmq-server", "MariaDB": "mariadb-server", "MySQL": "mysql-server"}[self.product]

    def is_what(self, said: str) -> bool:
        """Tell whether the version that the suite saw is the one meant: 4.3 is 4.3.6 and not 4.30."""
        return f"{said}.".startswith(f"{self.product} {self.version}.")

    def __str__(self) -> str:
        return f"{self.product} {self.version}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One pair of servers and its suites; without servers, the suites on SQLite."""

    name: str
    suites: tuple[str, ...]
    broker: Server | None = None
    sql: Server | None = None

    @property
    def servers(self) -> tuple[Server, ...]:
        return tuple(server for server in (self.broker, self.sql) if server)

    def arguments(self, suite: str) -> list[str]:
        """Return what pytest is to run."""
        folder = f"tests/{suite}"
        if suite != "contract":
            return [folder]
        # The suite runs on both kinds of database by itself; here each has a cell of its own.
        return [folder, "-k", "not sqlite" if self.sql else "sqlite"]


MARIADB = Server("MariaDB", "10.11", "bookworm")

CELLS = (
    Cell("rabbitmq-3.10", ("mesh", "contract", "chaos"), Server("RabbitMQ", "3.10", "bookworm"), MARIADB),
    Cell("rabbitmq-4.0", ("mesh", "chaos"), Server("RabbitMQ", "4.0", "trixie"), MARIADB),
    Cell("rabbitmq-4.3", ("mesh", "contract", "chaos"), Server("RabbitMQ", "4.3", "sid"), Server("MySQL", "9", "sid")),
    Cell("sqlite", ("contract",)),
)
