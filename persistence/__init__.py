"""What the mesh remembers in SQL: one short transaction a message or group, on SQLite, MariaDB and MySQL alike."""
