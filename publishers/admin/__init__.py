"""The operators' HTTP side: configuration, secrets, and what became of each event."""
