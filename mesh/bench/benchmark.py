"""The shape of a benchmark: what it compares, in which unit, and what is hoped for."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from mesh.bench.figures import Measured, Target
from mesh.bench.stage import Stage

#: Takes the stage, the size of a round and a way to tell how much of it is done (0 to 1).
Measure = Callable[[Stage, int, Callable[[float], None]], Awaitable[Measured]]

#: Longest one measurement may take, unless its benchmark says otherwise; most take about ten seconds.
PATIENCE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Some variants of the same work, measured in turn, round after round.

    `variants` is called once a run, so that what one variant leaves for the next need not be global. `size` is how
    much work a round is, in what `sized_in` says. `told` names the facts that are shown as columns, `settings` says
    what else decides about the figures. A measurement of one variant that takes longer than `patience` is given up.
    `peers` names the variants that need the peers' environment; without it they are left out, and so are their targets.
    """

    name: str
    what: str
    unit: str
    variants: Callable[[], Mapping[str, Measure]]
    size: int
    sized_in: str
    rounds: int = 3
    targets: tuple[Target, ...] = ()
    peers: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    patience: timedelta = PATIENCE
