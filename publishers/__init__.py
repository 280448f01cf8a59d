"""Everything that turns the outside into messages: the gateway, the outbox relay, schedules and clocks."""
