"""How many messages to hold: few while they are large, so that memory has a bound that a message count cannot give."""

BUDGET = 8 * 1024 * 1024  # bytes of bodies in hand; a worker stays under 150 MB with them
ASSUMED = 100 * 1024  # a crawler's page of 100 rows, until messages have shown their size
ENOUGH = 50  # messages after which their average size is believed
WEIGHT = 0.02  # of the newest message in the moving average: about the last hundred count


class Sizing:
    """Follows the size of a queue's messages; RabbitMQ knows no prefetch in bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._average = float(ASSUMED)
        self._seen = 0
        self.prefetch = self._ideal()

    def note(self, size: int) -> bool:
        """Take a message's size into account; True when another prefetch would suit these messages better."""
        self._seen += 1
        # The first messages share the average equally, so that the assumption is forgotten soon.
        self._average += max(WEIGHT, 1 / self._seen) * (size - self._average)
        ideal = self._ideal()
        return self._seen >= ENOUGH and not self.prefetch / 2 <= ideal <= self.prefetch * 2

    def settle(self) -> None:
        """Use the prefetch that suits what was seen."""
        self.prefetch = self._ideal()

    def _ideal(self) -> int:
        return max(1, min(self._most, int(BUDGET / max(self._average, 1))))
