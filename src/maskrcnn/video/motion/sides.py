"""Left and right of an object's keypoints, where a detector exchanged them for a while.

Each part of a body (head, arms, legs) is as it was found or exchanged, frame by frame. The cheapest sequence is chosen
(Viterbi): points that jump cost by how far they jump, and a frame that contradicts the detector costs a little, so that
in the long run the detector is right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskrcnn.keypoint_names import mirror_keypoints

PARTS = (
    ("eye", "ear"),
    ("shoulder", "elbow", "wrist", "hand"),
    ("hip", "knee", "ankle", "foot", "toe", "heel"),
)
DOUBT = 0.03  # of the object's size: what it costs a point and frame to contradict the detector
FARTHEST = 0.4  # of the object's size: no jump costs more, nor does a point that comes or goes


def mend_sides(points: np.ndarray, keypoint_names: Sequence[str], threshold: float) -> np.ndarray:
    """Exchange left and right where they were exchanged.

    Args:
        points: ``[T, P, D + 1]``: coordinates and score of one object's points in T frames.
        keypoint_names: of the P points; left and right are told by them.
        threshold: points with a lower score are unknown.

    Returns:
        The same, with some points of some frames exchanged.
    """
    mirrored = np.array(mirror_keypoints(keypoint_names), np.int64)
    mended = points.copy()
    size = object_size(points, threshold)
    for group in paired_parts(keypoint_names):
        other = mirrored[group]
        known = points[:, group, -1] >= threshold
        places = np.where(known[..., None], points[:, group, :-1] / size, np.nan)
        swap = np.searchsorted(group, other)  # where each point's other is within the group
        exchanged = _cheapest(places, swap)
        mended[np.ix_(exchanged, group)] = points[np.ix_(exchanged, other)]
    return mended


def paired_parts(keypoint_names: Sequence[str]) -> list[np.ndarray]:
    """Points that change sides together, int64 and rising: the pairs of a part of the body, or of none, a pair."""
    groups: dict[str, list[int]] = {}
    for k, other in enumerate(mirror_keypoints(keypoint_names)):
        if other != k:
            name = keypoint_names[k]
            part = next((str(p) for p, words in enumerate(PARTS) if any(w in name for w in words)), None)
            groups.setdefault(part or f"pair {min(k, other)}", []).append(k)
    return [np.array(sorted(own), np.int64) for own in groups.values()]


def object_size(points: np.ndarray, threshold: float) -> float:
    """How large an object is: the median over frames of the diagonal around its known points; at least 1.

    Args:
        points: ``[T, P, D + 1]``.
        threshold: points with a lower score are unknown.

    Returns:
        In units of the coordinates.
    """
    known = (points[..., -1] >= threshold)[..., None]
    seen = known.sum((1, 2)) > 1
    if not seen.any():
        return 1.0
    low = np.where(known, points[..., :-1], np.inf)[seen].min(1)
    high = np.where(known, points[..., :-1], -np.inf)[seen].max(1)
    return max(float(np.median(np.linalg.norm(high - low, axis=-1))), 1.0)


def _cheapest(places: np.ndarray, swap: np.ndarray) -> np.ndarray:
    """Bool ``[T]``: in which frames to exchange. Places are ``[T, G, D]`` in sizes of the object, nan where unknown."""
    seen = np.flatnonzero(~np.isnan(places[..., 0]).all(1))
    exchanged = np.zeros(len(places), bool)
    if len(seen) == 0:
        return exchanged
    doubt = DOUBT * (~np.isnan(places[seen, :, 0])).sum(1)
    cost = np.array([0.0, doubt[0]])
    came_from = np.zeros((len(seen), 2), np.int64)
    for k in range(1, len(seen)):
        before, now = places[seen[k - 1]], places[seen[k]]
        same, other = jump_cost(before, now), jump_cost(before, now[swap])
        ways = cost[:, None] + np.array([[same, other], [other, same]])
        came_from[k] = ways.argmin(0)
        cost = ways.min(0) + [0.0, doubt[k]]
    state = int(cost.argmin())
    for k in range(len(seen) - 1, -1, -1):
        exchanged[seen[k]] = state
        state = int(came_from[k, state])
    return exchanged


def jump_cost(before: np.ndarray, now: np.ndarray) -> float:
    """What it costs that points are in one place and then in another.

    Args:
        before: ``[G, D]``, in sizes of the object; nan where unknown.
        now: the same.

    Returns:
        The sum of distances, at most ``FARTHEST`` each, which is also what a point costs that comes or goes.
    """
    known = ~np.isnan(before[:, 0]), ~np.isnan(now[:, 0])
    both = known[0] & known[1]
    jumps = np.minimum(np.linalg.norm(now[both] - before[both], axis=1), FARTHEST)
    return float(jumps.sum() + FARTHEST * np.count_nonzero(known[0] ^ known[1]))
