"""Which function consumes which queue, and how it is given what it asks for by name."""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from brokers.queue import Queue

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class Route:
    """A queue and the function that consumes it."""

    queue: Queue
    handler: Callable[..., Awaitable[Any]]

    def bind(self, dependencies: Mapping[str, Any]) -> Callable[[Any], Awaitable[Any]]:
        """Return the handler with its parameters after the first filled from `dependencies` by name.

        A name that nobody provides is a TypeError at start, not at the first message.
        """
        _, *wanted = inspect.signature(self.handler).parameters
        if missing := [name for name in wanted if name not in dependencies]:
            raise TypeError(f"{self.handler.__name__} asks for {', '.join(missing)}, which nobody provides")
        chosen = {name: dependencies[name] for name in wanted}
        handler = self.handler

        async def bound(first: Any) -> Any:
            return await handler(first, **chosen)

        return bound


class Router:
    """Collects the consumers of one domain."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def consume(self, queue: Queue) -> Callable[[F], F]:
        """Register a function as the consumer of `queue`.

        The function takes a `Delivery` (a list of them on a batch queue) first, then whatever it names among the
        worker's dependencies. What it returns is the reply, where the publisher asked for one; on a batch queue, a
        list with one reply a delivery, or None.
        """

        def register(handler: F) -> F:
            self._routes.append(Route(queue, handler))
            return handler

        return register
