"""Marketing events: what producers say, where it goes, and what became of it."""
