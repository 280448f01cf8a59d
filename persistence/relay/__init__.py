"""Storefronts, their destinations, their events, and what became of each event at each destination."""

from persistence.relay.attempts import Attempts
from persistence.relay.configuration import Configuration
from persistence.relay.deliveries import EventDeliveries
from persistence.relay.destinations import Destinations
from persistence.relay.events import Events
from persistence.relay.search import Search
from persistence.relay.secrets import Secrets

__all__ = ["Attempts", "Configuration", "Destinations", "EventDeliveries", "Events", "Search", "Secrets"]
