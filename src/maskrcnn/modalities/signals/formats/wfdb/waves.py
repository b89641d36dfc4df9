"""Waves of the heart from a list of annotations: onset, peaks and end, as PhysioNet's databases write them.

In the QT Database (Laguna et al. 1997; codes in https://physionet.org/physiotools/wag/annot-5.htm) a wave is ``(`` at
its onset, a symbol at each peak (``p``, ``t``, ``u``, or a beat's type such as ``N`` for the QRS complex) and ``)`` at
its end. Any of the three may be missing: of most T waves there only the end was labelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskrcnn.modalities.signals.tables.intervals import Interval

OPEN, CLOSE = "(", ")"
P, QRS, T, U = "P", "QRS", "T", "U"
WAVES = (P, QRS, T)  # U waves are not among them: hardly any database labels them throughout
PEAKS = {"p": P, "t": T, "u": U}
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")  # every code of a QRS complex
BY_NUMBER = (P, QRS, T, U)  # the field `num` of a bracket in the QT Database
SKIPPED_BEAT = 1.5  # two labelled beats further apart than so many median intervals have others between them


@dataclass(frozen=True)
class Wave:
    """Sample numbers; None where nobody labelled that point.

    Attributes:
        kind: P, QRS, T or U.
        onset, end: the first and the last sample of the wave.
        peaks: in rising order.
    """

    kind: str
    onset: int | None
    peaks: tuple[int, ...]
    end: int | None


def waves_of(samples: Sequence[int], symbols: Sequence[str], numbers: Sequence[int]) -> list[Wave]:
    """The waves of annotations in rising order of their samples; what is neither bracket nor peak is passed over.

    Args:
        samples: of each annotation.
        symbols: ``(``, ``)``, ``p``, ``t``, ``u`` or a beat's.
        numbers: the field ``num``: of a wave without a peak it tells the kind (0 P, 1 QRS, 2 T, 3
            U).

    Returns:
        The waves, in rising order.
    """
    waves: list[Wave] = []
    onset: int | None = None
    kind, peaks = "", list[int]()

    def finish(end: int | None, number: int) -> None:
        nonlocal onset, kind, peaks
        told = kind or (BY_NUMBER[number] if end is not None and 0 <= number < len(BY_NUMBER) else "")
        if told and (peaks or onset is not None or end is not None):
            waves.append(Wave(told, onset, tuple(peaks), end))
        onset, kind, peaks = None, "", []

    for sample, symbol, number in zip(samples, symbols, numbers):
        own = PEAKS.get(symbol) or (QRS if symbol in BEATS else "")
        if symbol == OPEN:
            finish(None, 0)
            onset = sample
        elif symbol == CLOSE:
            finish(sample, number)
        elif own:
            if kind and own != kind:
                finish(None, 0)
            kind = own
            peaks.append(sample)
    finish(None, 0)
    return waves


def has_sides(waves: Sequence[Wave]) -> bool:
    """Whether any wave has an onset or an end, so that these annotations are more than points."""
    return any(wave.onset is not None or wave.end is not None for wave in waves)


def wave_intervals(waves: Sequence[Wave]) -> list[Interval]:
    """The waves P, QRS and T of which at least one side is known, as intervals from onset to end, both included.

    Where a side is missing, the box goes as far on the peak's other side as on the known one, but not into the wave
    before or after; without a peak it is as wide as the median wave of its kind. That side is ``unknown`` and the part
    between the peak (without one: the known side) and the known side is what the object surely covers.
    """
    widths = {kind: _median_width(waves, kind) for kind in WAVES}
    found = []
    for k, wave in enumerate(waves):
        if wave.kind not in WAVES or (wave.onset is None and wave.end is None):
            continue
        before = _last_sample(waves[k - 1]) + 1 if k else 0
        after = _first_sample(waves[k + 1]) if k + 1 < len(waves) else None
        found.append(_interval(wave, widths[wave.kind], before, after))
    return found


def _interval(wave: Wave, width: int, before: int, after: int | None) -> Interval:
    if wave.onset is not None and wave.end is not None:
        low, high = sorted((wave.onset, wave.end))
        return Interval(wave.kind, ((low, high + 1),))
    if wave.end is not None:
        surely = wave.peaks[0] if wave.peaks else wave.end
        guess = surely - (wave.end - wave.peaks[-1]) if wave.peaks else wave.end + 1 - width
        low = min(max(guess, before), surely)
        return Interval(wave.kind, ((surely, wave.end + 1),), (low, wave.end + 1), (True, False))
    assert wave.onset is not None
    surely = wave.peaks[-1] if wave.peaks else wave.onset
    guess = surely + (wave.peaks[0] - wave.onset) if wave.peaks else wave.onset + width - 1
    high = max(guess if after is None else min(guess, after - 1), surely)
    return Interval(wave.kind, ((wave.onset, surely + 1),), (wave.onset, high + 1), (False, True))


def unlabelled_gaps(waves: Sequence[Wave]) -> list[tuple[int, int]]:
    """Stretches between labelled waves in which there must be beats that nobody labelled.

    The cardiologists of the QT Database chose beats, not all of them neighbours. Where two QRS complexes lie more than
    ``SKIPPED_BEAT`` median intervals apart, everything between the last wave of the one beat and the first of the
    other is unlabelled. A pause of the heart looks the same; nothing is learned from it then, which does no harm.
    """
    beats = [k for k, wave in enumerate(waves) if wave.kind == QRS]
    apart = np.diff([_middle(waves[k]) for k in beats])
    usual = np.median(apart) if len(apart) else 0
    widest = [_widest_space(waves[a : b + 1]) for a, b, d in zip(beats, beats[1:], apart) if d > SKIPPED_BEAT * usual]
    return [(low, high) for low, high in widest if low < high]


def _widest_space(waves: Sequence[Wave]) -> tuple[int, int]:
    """The longest stretch between one wave and the next."""
    spaces = [(_last_sample(one) + 1, _first_sample(other)) for one, other in zip(waves, waves[1:])]
    return max(spaces, key=lambda space: space[1] - space[0])


def gap_intervals(gaps: Sequence[tuple[int, int]]) -> list[Interval]:
    """A crowd of each class in each gap: whatever is found there is neither right nor wrong."""
    return [Interval(kind, (gap,), crowd=True) for gap in gaps for kind in WAVES]


def shifted(wave: Wave, scale: float) -> Wave:
    """With sample numbers of another rate."""

    def move(sample: int | None) -> int | None:
        return None if sample is None else round(sample * scale)

    return replace(wave, onset=move(wave.onset), end=move(wave.end), peaks=tuple(round(p * scale) for p in wave.peaks))


def _points(wave: Wave) -> list[int]:
    return [point for point in (wave.onset, *wave.peaks, wave.end) if point is not None]


def _first_sample(wave: Wave) -> int:
    return min(_points(wave))


def _last_sample(wave: Wave) -> int:
    return max(_points(wave))


def _middle(wave: Wave) -> float:
    return wave.peaks[0] if wave.peaks else (_first_sample(wave) + _last_sample(wave)) / 2


def _median_width(waves: Sequence[Wave], kind: str) -> int:
    """Of those with both sides; where there are none, twice the median distance from a peak to the known side."""
    own = [wave for wave in waves if wave.kind == kind]
    whole = [wave.end - wave.onset + 1 for wave in own if wave.onset is not None and wave.end is not None]
    halves = [2 * (_last_sample(wave) - _first_sample(wave)) + 1 for wave in own if wave.peaks]
    return int(np.median(whole or halves or [1]))
