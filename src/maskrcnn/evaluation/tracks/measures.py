"""HOTA, IDF1 and MOTA. All are sums over sequences, so that several sequences are judged as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from maskrcnn.evaluation.tracks.frames import Clip
from maskrcnn.tracking.association import assign

ALPHAS = np.arange(1, 20) / 20  # overlaps at which HOTA matches
MATCHED = 0.5  # overlap at which identities and MOTA match
EPSILON = float(np.finfo("float").eps)  # what an overlap may lack at a threshold
CONTINUED = 1000.0  # worth of a pair that was one before, beside which no overlap counts


def _by_alpha() -> np.ndarray:
    return np.zeros(len(ALPHAS))


@dataclass(frozen=True)
class TrackCounts:
    """What measures are made of; counts of several sequences are added.

    Attributes:
        matched: float64 ``[19]``: objects that were found, at each overlap of HOTA.
        associated: the same, each counted by how much its two tracks agree, 0..1.
        overlap: the same, each counted by its overlap.
        truth, found: objects in all frames.
        hits, switches: of MOTA: objects that were found, and those whose number is not that of the last time.
        identified: objects that bear the number that belongs to them, one number to an object at most.
    """

    matched: np.ndarray = field(default_factory=_by_alpha)
    associated: np.ndarray = field(default_factory=_by_alpha)
    overlap: np.ndarray = field(default_factory=_by_alpha)
    truth: int = 0
    found: int = 0
    hits: int = 0
    switches: int = 0
    identified: int = 0

    def __add__(self, other: TrackCounts) -> TrackCounts:
        names = self.__dataclass_fields__
        return TrackCounts(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def measures(self) -> dict[str, float]:
        """``HOTA DetA AssA LocA IDF1 MOTA`` as parts of 1 (MOTA may be below 0), and counts: ``switches misses
        false_alarms``. Not a number where there is neither an object nor a detection; LocA where nothing matched."""
        missed, extra = self.truth - self.hits, self.found - self.hits
        either = self.truth + self.found - self.matched
        with np.errstate(invalid="ignore", divide="ignore"):
            detected = self.matched / either
            agree = self.associated / np.maximum(self.matched, 1)
            located = self.overlap / self.matched
            rates = {
                "HOTA": float(np.sqrt(detected * agree).mean()),
                "DetA": float(detected.mean()),
                "AssA": float(agree.mean()) if self.truth + self.found else float("nan"),
                "LocA": float(np.where(self.matched > 0, located, 1.0).mean()) if self.matched.any() else float("nan"),
                "IDF1": float(np.float64(2 * self.identified) / np.float64(self.truth + self.found)),
                "MOTA": float(1 - np.float64(missed + extra + self.switches) / np.float64(self.truth)),
            }
        return {**rates, "switches": self.switches, "misses": missed, "false_alarms": extra}


def measure_tracks(clips: Iterable[Clip]) -> dict[str, float]:
    """The measures of several sequences as one, see :meth:`TrackCounts.measures`."""
    return sum((count_tracks(clip) for clip in clips), TrackCounts()).measures()


def count_tracks(clip: Clip) -> TrackCounts:
    """What there is to count in one sequence."""
    matched, associated, overlap = _hota(clip)
    hits, switches = _continuity(clip)
    truth = sum(len(frame.truth) for frame in clip.frames)
    found = sum(len(frame.found) for frame in clip.frames)
    return TrackCounts(matched, associated, overlap, truth, found, hits, switches, _identified(clip))


def _lengths(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """In how many frames each object is labelled ``[G, 1]`` and found ``[1, T]``."""
    truth, found = np.zeros((clip.truths, 1)), np.zeros((1, clip.founds))
    for frame in clip.frames:
        truth[frame.truth, 0] += 1
        found[0, frame.found] += 1
    return truth, found


def _hota(clip: Clip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matches at each overlap, counted by one, by agreement and by overlap (Luiten et al. 2021).

    Pairs of tracks that overlap in many frames go first: each frame's assignment is of overlaps times what the two
    tracks share in all frames.
    """
    truth, found = _lengths(clip)
    shared = np.zeros((clip.truths, clip.founds))
    for frame in clip.frames:
        either = frame.overlap.sum(0, keepdims=True) + frame.overlap.sum(1, keepdims=True) - frame.overlap
        part = np.divide(frame.overlap, either, out=np.zeros_like(frame.overlap), where=either > EPSILON)
        shared[np.ix_(frame.truth, frame.found)] += part
    alignment = shared / np.maximum(truth + found - shared, EPSILON)
    matches = np.zeros((len(ALPHAS), clip.truths, clip.founds))
    overlap = _by_alpha()
    for frame in clip.frames:
        rows, columns = assign(alignment[np.ix_(frame.truth, frame.found)] * frame.overlap)
        overlaps = frame.overlap[rows, columns]
        reached = overlaps >= ALPHAS[:, None] - EPSILON
        matches[:, frame.truth[rows], frame.found[columns]] += reached
        overlap += (overlaps * reached).sum(1)
    agreement = matches / np.maximum(truth + found - matches, 1)
    return matches.sum((1, 2)), (matches * agreement).sum((1, 2)), overlap


def _continuity(clip: Clip) -> tuple[int, int]:
    """Hits and switches of MOTA (Bernardin and Stiefelhagen 2008): pairs of the last frame are kept where they can."""
    ever, before = np.full(clip.truths, -1), np.full(clip.truths, -1)
    hits = switches = 0
    for frame in clip.frames:
        if not frame.overlap.size:
            continue  # pairs outlast a frame without labels or without detections, as in TrackEval
        continued = before[frame.truth][:, None] == frame.found[None]
        worth = np.where(frame.overlap >= MATCHED - EPSILON, CONTINUED * continued + frame.overlap, 0.0)
        rows, columns = assign(worth)
        rows, columns = rows[worth[rows, columns] > EPSILON], columns[worth[rows, columns] > EPSILON]
        truth, found = frame.truth[rows], frame.found[columns]
        switches += int(((ever[truth] >= 0) & (ever[truth] != found)).sum())
        hits += len(rows)
        before[:] = -1
        before[truth] = ever[truth] = found
    return hits, switches


def _identified(clip: Clip) -> int:
    """Objects with the right number, one number to one object over all frames (Ristani et al. 2016)."""
    together = np.zeros((clip.truths, clip.founds))
    for frame in clip.frames:
        together[np.ix_(frame.truth, frame.found)] += frame.overlap >= MATCHED
    rows, columns = assign(together)
    return int(together[rows, columns].sum())
