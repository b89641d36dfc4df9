"""Points over time without their jitter and without lag: a Kalman filter that knows the future too.

A point moves with a velocity that drifts (white acceleration). Filtering forwards and smoothing backwards (Rauch, Tung
and Striebel 1965) gives the likeliest path through all of its sightings, which is a cubic smoothing spline: a low-pass
filter with no lag that halves what oscillates at the cutoff. 6 Hz is what gait laboratories use (Winter 2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskrcnn.checks import at_least, between
from maskrcnn.video.motion.sides import object_size

VAGUE = 1e6  # variance of what is not known at the beginning, in units of a sure sighting's
OUTLIER = 4.0  # standard deviations, from which on a sighting is not believed
LEAST_NOISE = 0.005  # of the object's size: smaller deviations are never outliers


@dataclass(frozen=True)
class SmoothOptions:
    """How points over time are cleaned."""

    cutoff: float = 6.0
    """Hz: movements of this frequency are halved, slower ones stay."""
    fill: float = 0.5
    """Seconds: gaps up to this length are filled."""
    threshold: float = 0.3
    """Points with a lower score are taken for not seen."""

    def check(self) -> None:
        """Raise UsageError for settings out of range."""
        at_least("smooth", self.cutoff, 0)
        at_least("fill", self.fill, 0)
        between("threshold", self.threshold, 0, 1)


def smooth_points(points: np.ndarray, times: np.ndarray, options: SmoothOptions | None = None) -> np.ndarray:
    """The likeliest paths of one object's points.

    Args:
        points: ``[T, P, D + 1]``: coordinates and score; a score of 0 where a point was not seen.
        times: float64 ``[T]``, seconds, rising.
        options: how they are cleaned; a cutoff of 0 leaves sightings as they are and only fills gaps.

    Returns:
        float64 ``[T, P, D + 1]``: coordinates, not a number where nothing is known; the score of a sighting, and 0 of
        what was filled in.
    """
    options = options or SmoothOptions()
    places, scores = points[..., :-1].astype(np.float64), points[..., -1].astype(np.float64)
    known = scores >= options.threshold
    size = object_size(points, options.threshold)
    if options.cutoff:
        path = _most_likely(places, np.where(known, scores, 0.0), times, options.cutoff)
        known &= ~_outliers(places, path, known, size)
        path = _most_likely(places, np.where(known, scores, 0.0), times, options.cutoff)
    else:
        path = _straight(places, known, times)
    shown = known | in_short_gaps(known, times, options.fill)
    smoothed = np.concatenate([path, np.where(known, scores, 0.0)[..., None]], -1)
    smoothed[~shown] = [*[np.nan] * places.shape[-1], 0.0]
    return smoothed


def in_short_gaps(known: np.ndarray, times: np.ndarray, longest: float) -> np.ndarray:
    """What is between two sightings that are not far apart in time.

    Args:
        known: bool ``[T, P]``.
        times: ``[T]``, seconds.
        longest: seconds from the sighting before to the one after, less one step.

    Returns:
        bool ``[T, P]``, False where ``known``.
    """
    count = len(known)
    index = np.where(known, np.arange(count)[:, None], -1)
    before = np.maximum.accumulate(index, 0)
    after = np.minimum.accumulate(np.where(known, np.arange(count)[:, None], count)[::-1], 0)[::-1]
    inside = (before >= 0) & (after < count) & ~known
    step = float(np.median(np.diff(times))) if count > 1 else 0.0
    gap = times[np.minimum(after, count - 1)] - times[np.maximum(before, 0)] - step
    filled: np.ndarray = inside & (gap <= longest + 1e-9)
    return filled


def _outliers(places: np.ndarray, path: np.ndarray, known: np.ndarray, size: float) -> np.ndarray:
    """bool ``[T, P]``: sightings much farther from their path than others of the same point."""
    far = np.where(known, np.linalg.norm(places - path, axis=-1), np.nan)
    usual = np.array([np.median(own[~np.isnan(own)]) if (~np.isnan(own)).any() else 0.0 for own in far.T])
    limit = OUTLIER * np.maximum(1.4826 * usual, LEAST_NOISE * size)
    return known & (far > limit)


def _straight(places: np.ndarray, known: np.ndarray, times: np.ndarray) -> np.ndarray:
    """``[T, P, D]``: places as they are, with straight lines between those that are known."""
    path = places.copy()
    for k in np.flatnonzero(known.any(0)):
        own = known[:, k]
        for axis in range(places.shape[-1]):
            path[:, k, axis] = np.interp(times, times[own], places[own, k, axis])
    return path


def _most_likely(places: np.ndarray, scores: np.ndarray, times: np.ndarray, cutoff: float) -> np.ndarray:
    """``[T, P, D]``: smoothed places; where the score is 0, the place is not looked at. Variances are in units of that
    of a sighting with score 1, and depend on no coordinate."""
    count, points, ndim = places.shape
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 1.0
    drift = (2 * np.pi * cutoff) ** 4 * usual  # spectral density of the acceleration
    first = np.argmax(scores > 0, 0)
    state = np.zeros((points, 2, ndim))
    state[:, 0] = places[first, np.arange(points)]
    spread = np.tile(np.diag([VAGUE, VAGUE]) / [1.0, usual**2], (points, 1, 1))
    kept, expected = [], []
    for k in range(count):
        if k:
            move, noise = _step(float(steps[k - 1]), drift)
            state = move @ state
            spread = move @ spread @ move.T + noise
        expected.append((state, spread))
        weight = np.where(scores[k] > 0, 1.0, 0.0)
        gain = weight[:, None] * spread[:, :, 0] / (spread[:, 0, 0] + 1 / np.maximum(scores[k], 1e-3) ** 2)[:, None]
        off = np.where(weight[:, None] > 0, places[k] - state[:, 0], 0.0)
        state = state + gain[:, :, None] * off[:, None]
        spread = spread - gain[:, :, None] * spread[:, None, 0]
        kept.append((state, spread))
    path = np.zeros((count, points, ndim))
    later = kept[-1][0]
    path[-1] = later[:, 0]
    for k in range(count - 2, -1, -1):
        move, _ = _step(float(steps[k]), drift)
        state, spread = kept[k]
        coming, wide = expected[k + 1]
        back = spread @ move.T @ np.linalg.inv(wide)
        later = state + back @ (later - coming)
        path[k] = later[:, 0]
    return path


def _step(seconds: float, drift: float) -> tuple[np.ndarray, np.ndarray]:
    """How place and velocity move on in that time, and how unsure that makes them."""
    dt = max(seconds, 1e-6)
    move = np.array([[1.0, dt], [0.0, 1.0]])
    return move, drift * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
