"""`python -m mesh.bench.plots JSON PNG`: draws a run of `latency` or `backlog`, in the environment that has matplotlib.

It knows nothing of the mesh but the JSON that `mesh bench` writes: the peers' environment has none of its libraries.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt

Report = Mapping[str, Any]

#: Okabe and Ito's colours, which the colour-blind can tell apart too: https://jfly.uni-koeln.de/color/
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
_GREY = "#666666"

_STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 150,
    "font.size": 9,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "savefig.bbox": "tight",
}

#: Percentiles as people name them, on an axis where each step to the right is ten times rarer.
_TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)

#: Parts of a run in each of which the rate is averaged.
_PARTS = 25


def latency(report: Report) -> Any:
    """Draw every variant's curve of percentiles: with group commit solid, without dashed, a colour a rate."""
    figure, axes = plt.subplots(figsize=(8, 4.6))
    names = [each["name"] for each in report["variants"]]
    rates = list(dict.fromkeys(_rate_of(name) for name in names))
    ways = list(dict.fromkeys(_way_of(name) for name in names))
    for variant in report["variants"]:
        curve = _middle_curve(variant["facts"])
        keeps_up = all(each["keeps_up"] == "yes" for each in variant["facts"])
        axes.plot(
            [_rarity(share) for share, _ in curve],
            [ms for _, ms in curve],
            color=_COLOURS[rates.index(_rate_of(variant["name"])) % len(_COLOURS)],
            linestyle=("-", "--")[ways.index(_way_of(variant["name"])) % 2],
            alpha=1 if keeps_up else 0.55,
            label=variant["name"] + ("" if keeps_up else " (falls behind)"),
        )
    for target in report["targets"]:
        axes.axhline(target["at_most"], color=_GREY, linestyle=":", linewidth=1)
        axes.plot(_rarity(0.99), target["at_most"], marker="v", color=_GREY, linestyle="")
        told = f"wanted: p99 of {target['of']} under {target['at_most']:g} ms"
        axes.annotate(
            told,
            (1, target["at_most"]),
            (-3, 4),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            horizontalalignment="right",
            color=_GREY,
        )
    axes.set(xscale="log", yscale="log", xlim=(1, None), xlabel="percentile of messages", ylabel="critical time, ms")
    axes.set_xticks([_rarity(share) for share in _TICKS], [f"{share * 100:g} %" for share in _TICKS])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.set_title("From the moment a message should have left to its committed row", loc="left")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1))
    return figure


def backlog(report: Report) -> Any:
    """Draw rate, memory of the worker and memory of the broker over how much of each backlog is done."""
    figure, (rates, worker, broker) = plt.subplots(3, 1, figsize=(8, 8), sharex=True)
    for number, variant in enumerate(report["variants"]):
        facts = variant["facts"][-1]
        look = {"color": _COLOURS[number % len(_COLOURS)], "label": f"{facts['messages']:,} messages"}
        done = [100 * stored / facts["messages"] for _, stored, *_ in facts["course"]]
        steps = list(_rates(facts["course"], facts["messages"]))
        rates.plot([share for share, _ in steps], [rate for _, rate in steps], **look)
        worker.plot(done, [mb for *_, mb, _ in facts["course"]], **look)
        broker.plot(done, [mb for *_, mb in facts["course"]], **look)
    wanted = 0.8 * report["variants"][0]["median"]
    rates.axhline(wanted, color=_GREY, linestyle=":", linewidth=1)
    told = "wanted: at least 0.8 of the smallest backlog's rate"
    rates.annotate(told, (0, wanted), (3, -10), textcoords="offset points", color=_GREY)
    rates.set(ylabel="messages/s", ylim=(0, None))
    rates.set_title("One worker process on backlogs of three sizes", loc="left")
    rates.legend(loc="lower right", ncols=3)
    worker.set(ylabel="worker, resident MB", ylim=(0, None))
    broker.set(
        ylabel="broker, resident MB", ylim=(0, None), xlabel="share of the backlog that is done, %", xlim=(0, 100)
    )
    for axes in (rates, worker, broker):
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    return figure


DRAWN: Mapping[str, Callable[[Report], Any]] = {"latency": latency, "backlog": backlog}


def _rarity(share: float) -> float:
    return 1 / (1 - share)


def _rate_of(name: str) -> str:
    return name.rpartition(", ")[2]


def _way_of(name: str) -> str:
    return name.rpartition(", ")[0]


def _middle_curve(rounds: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Return at each percentile that every round knows the median of the rounds."""
    curves = [dict(map(tuple, each["curve"])) for each in rounds]
    shares = sorted(set.intersection(*map(set, curves)))
    return [(share, median(curve[share] for curve in curves)) for share in shares]


def _rates(course: Sequence[Sequence[float]], messages: int) -> Iterator[tuple[float, float]]:
    """Yield the middle of each part of a run, in percent, and the rate in it."""
    last = course[0]
    for look in course[1:]:
        seconds, stored = look[0] - last[0], look[1] - last[1]
        if stored >= messages / _PARTS and seconds > 0:
            yield 50 * (look[1] + last[1]) / messages, stored / seconds
            last = look


if __name__ == "__main__":
    mpl.use("Agg")
    read = json.loads(Path(sys.argv[1]).read_text())
    with mpl.rc_context(_STYLE):
        DRAWN[read["benchmark"]](read).savefig(sys.argv[2])
