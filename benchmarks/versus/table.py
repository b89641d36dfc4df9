"""The table of ratios, and the page that holds it with the machine it was measured on."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path

from turns import Measured

from cases import Case

HEAD = (
    "| | ratio: median (min, max) | aim | ours | torchvision | ours, CPU build | peak memory, ours | torchvision | "
    "results |\n|---|---|---|---|---|---|---|---|---|"
)


def line(case: Case, measured: Measured) -> str:
    """One row: how many times as fast ours is, median seconds of each side, what a run's memory rose by."""
    ratios = measured.ratios()
    spread = f"**{statistics.median(ratios):.2f}** ({ratios[0]:.2f}, {ratios[-1]:.2f})" if ratios else "-"
    aim = f"{case.aim:g}" if case.aim else "-"
    times = [seconds(measured.seconds.get(side)) for side in ("ours", "theirs", "pinned")]
    peaks = [f"{measured.peak[side]:.0f} MB" if side in measured.peak else "-" for side in ("ours", "theirs")]
    return f"| {' | '.join([case.title, spread, aim, *times, *peaks, measured.agreement])} |"


def seconds(values: list[float] | None) -> str:
    """The median, in a unit that suits it."""
    if not values:
        return "-"
    middle = statistics.median(values)
    return f"{middle:.2f} s" if middle >= 1 else f"{middle * 1000:.1f} ms"


def page(cases: Mapping[str, Case], measured: Mapping[str, Measured]) -> str:
    """``results.md``."""
    some = next(iter(measured.values()))
    lines = [
        "# Against torchvision",
        "",
        f"Printed by `make bench` on {date.today():%d %B %Y}: {processor()}, {some.threads} threads; Python "
        f"{platform.python_version()}, torchvision {version('torchvision')}, torch {some.torch['ours']} (both sides) "
        f"and {some.torch.get('pinned', 'no')} (CPU build).",
        "",
        "Both sides run in turns in one environment, each in a process of its own, from the same weights and inputs. A "
        "ratio is theirs to ours, turn by turn. Peak memory is what a run adds to the process that has all it needs; "
        "of `predict`, the whole of the command. What each case is stands in `benchmarks/versus/`.",
        "",
        HEAD,
        *(line(cases[name], own) for name, own in measured.items()),
        "",
        *remarks(measured),
    ]
    return "\n".join(lines) + "\n"


def remarks(measured: Mapping[str, Measured]) -> list[str]:
    """What follows from several lines together, and the floor."""
    from floor import floor_of_inference

    suppression = statistics.median(measured["nms_rpn"].seconds["ours"])
    whole = statistics.median(measured["inference"].seconds["ours"])
    return [
        f"- The RPN's suppression takes {suppression / whole:.1%} of inference (aim: under 2 %).",
        floor_of_inference(whole),
    ]


def processor() -> str:
    """Name and number of cores, as Linux tells them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.machine()
