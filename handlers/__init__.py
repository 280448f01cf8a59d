"""Consumers: one message in, effects and further messages out."""
