"""Private services: a broker, a store and a database as child processes that touch nothing outside their folder."""
