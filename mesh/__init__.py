"""The command line and the composition root: the one place where real things are put together."""

__version__ = "0.1.0"
