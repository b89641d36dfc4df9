"""The best parts of a song: whole bars that speak most for a label of the whole song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from maskrcnn.models.whole.evidence import WholeEvidence

Floats = npt.NDArray[np.float64]
PHRASE, LONGEST = 4, 8  # bars of a phrase, and of a part at most
MORE = 0.5  # of what four bars contribute: where eight contribute so much more, they are the part
TIE = 0.02  # of the best: what contributes as much within this is as good


@dataclass(frozen=True)
class Phrase:
    """A part of a song.

    Attributes:
        first: its first bar.
        stop: the bar behind its last.
        score: what it contributes to the logit of the song.
        share: of all that speaks for the label in the song, 0..1.
    """

    first: int
    stop: int
    score: float
    share: float


def said_by_bars(evidence: WholeEvidence, label: int, bars: Sequence[float], rate: float) -> Floats:
    """What each bar contributes to a label's logit, ``[2, bars]``: all that speaks for it, and all against it.

    A place of the model that lies in two bars is shared between them.

    Args:
        evidence: what the model says of the song.
        label: 1..K.
        bars: seconds at which bars begin; the last one ends the one before.
        rate: samples of the song a second.

    Returns:
        At least 0 each: for, against.
    """
    contributions = evidence.contributions()[0, label - 1].double().numpy()
    edges = np.arange(len(contributions) + 1) * evidence.cell[0] / rate
    signed = np.stack([np.maximum(contributions, 0), np.maximum(-contributions, 0)])
    sums = np.concatenate([np.zeros((2, 1)), signed.cumsum(1)], axis=1)
    return np.stack([np.diff(np.interp(bars, edges, own)) for own in sums])


def best_phrases(said: Floats, total: float) -> list[Phrase]:
    """Phrases that do not overlap, the one that contributes most first.

    The four bars that contribute most are a part, or the eight, where these contribute half as much again; then those
    of what is left. Of windows that contribute as much, within a fiftieth, the earliest is taken.

    Args:
        said: ``[2, bars]``, see :func:`said_by_bars`.
        total: all that speaks for the label in the song.

    Returns:
        The parts; none of a song of fewer than four bars.
    """
    net = said[0] - said[1]
    free = np.ones(len(net), dtype=bool)
    found: list[Phrase] = []
    while (short := _best_window(net, free, PHRASE)) is not None:
        long = _best_window(net, free, LONGEST)
        first, length = short, PHRASE
        if long is not None and 0 < net[short : short + PHRASE].sum() * (1 + MORE) <= net[long : long + LONGEST].sum():
            first, length = long, LONGEST
        free[first : first + length] = False
        own = said[:, first : first + length].sum(1)
        share = float(own[0] / total) if total > 0 else 0.0
        found.append(Phrase(first, first + length, float(own[0] - own[1]), share))
    return sorted(found, key=lambda phrase: -phrase.score)


def _best_window(net: Floats, free: npt.NDArray[np.bool_], length: int) -> int | None:
    """The first bar of the free window that contributes most."""
    sums = {k: float(net[k : k + length].sum()) for k in range(len(net) - length + 1) if free[k : k + length].all()}
    if not sums:
        return None
    best = max(sums.values())
    return min(k for k, own in sums.items() if own >= best - TIE * abs(best))
