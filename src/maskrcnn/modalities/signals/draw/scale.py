"""How a signal is laid out over strips, and the round numbers along its axes."""

from __future__ import annotations

import math

import numpy as np

MAX_STRIPS = 30  # in one picture: longer recordings get longer strips
MINUTE, HOUR, DAY = 60, 3600, 86400
# Unit: the longest extent on one strip, then lengths of a strip, each with the most strips it is used for.
STRIPS: dict[str, tuple[float, tuple[tuple[float, int], ...]]] = {
    "s": (
        20,
        (
            (10, 12),
            *((k * MINUTE, MAX_STRIPS) for k in (1, 2, 5, 10, 15, 30)),
            *((k * HOUR, MAX_STRIPS) for k in (1, 2, 3, 6, 12)),
            (DAY, MAX_STRIPS),
        ),
    ),
    "bp": (10_000, ((10_000, MAX_STRIPS),)),
    "samples": (4000, ((2000, MAX_STRIPS),)),
}
TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def strip_length(extent: float, unit: str) -> float:
    """How much of a recording one strip shows.

    A recording of up to 20 s (10,000 bp, 4,000 samples) is one strip. Longer ones have strips of 10 s up to 2 minutes
    and of a minute up to 30 minutes; strips of DNA are 10 kb and others 2,000 samples. Where that would be more than 30
    strips, they are as much longer as is needed, in round numbers.

    Args:
        extent: of the whole recording, in ``unit``.
        unit: "s", "bp" or "samples".
    """
    longest, lengths = STRIPS[unit]
    if extent <= longest:
        return extent
    for length, most in lengths:
        if extent <= length * most:
            return length
    return round_step(extent / MAX_STRIPS)


def round_step(least: float) -> float:
    """The smallest of 1, 2 or 5 times a power of ten that is at least ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(k * power for k in (1, 2, 5, 10) if k * power >= least * (1 - 1e-9))


def axis_step(least: float, unit: str) -> float:
    """The smallest round distance of ticks that is at least ``least``; minutes and hours have their own."""
    if unit == "s" and least > 0.5:
        return next((step for step in TIME_STEPS if step >= least), math.ceil(least / DAY) * DAY)
    return max(round_step(least), 1) if unit != "s" else round_step(least)


def multiples(step: float, low: float, high: float) -> np.ndarray:
    """The multiples of ``step`` in [low, high], float ``[n]``; rounding excludes neither end.

    Args:
        step: from one to the next, above 0.
        low: the smallest value.
        high: the largest value.

    Returns:
        float ``[n]``; rounding excludes neither end.
    """
    slack = 1e-6 * step
    return np.arange(math.ceil((low - slack) / step), math.floor((high + slack) / step) + 1) * step


def position_text(value: float, step: float, extent: float, unit: str) -> str:
    """A position on the axis in as many digits as ``step`` asks: ``2.5``, ``1:05``, ``2:01:30`` or
    ``12,000``.

    Args:
        value: in ``unit``.
        step: between two labels of the axis, in ``unit``.
        extent: of the recording, in ``unit``; from a minute on times are written with colons.
        unit: ``s``, or what else the axis counts.

    Returns:
        The text.
    """
    if unit != "s":
        return f"{value:,.0f}"
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    if extent < MINUTE:
        return f"{value:.{places}f}"
    whole, part = divmod(round(value * 10**places), 10**places)
    hours, rest = divmod(whole, HOUR)
    seconds = f"{rest % MINUTE:02d}" + (f".{part:0{places}d}" if places else "")
    return f"{hours}:{rest // MINUTE:02d}:{seconds}" if extent >= HOUR else f"{rest // MINUTE}:{seconds}"


def extent_text(extent: float, unit: str) -> str:
    """How long a recording is, in words: ``15 min``, ``2 h 5 min``, ``2.5 s``, ``154,478 bp``."""
    if unit != "s":
        return f"{extent:,.0f} {unit}"
    if extent < MINUTE:
        return f"{extent:.3g} s"
    whole = round(extent)
    parts = ((whole // HOUR, "h"), (whole % HOUR // MINUTE, "min"), (whole % MINUTE, "s"))
    return " ".join(f"{number} {name}" for number, name in parts if number)
