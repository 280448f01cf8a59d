"""Stand-ins of the outside world, one process each: they answer as vendors do, and count what they are told."""
