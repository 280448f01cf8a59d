"""The command line and the composition root: the one place where real things are put together."""
