"""A private MySQL server, run as the private MariaDB is: the same folder, the same addresses, the same life."""

import os
from pathlib import Path

from mesh.embedded.mariadb import PrivateMariaDB

#: The program to run; naming one makes it the suite's SQL server, in MariaDB's place.
PROGRAM = "MESH_TEST_MYSQLD"


class PrivateMySQL(PrivateMariaDB):
    """MySQL 8 or later."""

    name = "mysql"

    def _server(self) -> list[str]:
        # Without its second protocol, which would listen on a port that is the machine's own.
        return [os.environ[PROGRAM], "--no-defaults", "--mysqlx=OFF", "--innodb-redo-log-capacity=128M"]

    def _grants(self) -> list[str]:
        statements = super()._grants()
        # It cannot replace a user.
        return [each.replace("CREATE OR REPLACE USER", "CREATE USER IF NOT EXISTS") for each in statements]

    def _initialisation(self, data: Path) -> list[str]:
        return [os.environ[PROGRAM], "--no-defaults", "--initialize-insecure", f"--datadir={data}"]
