"""What the names of keypoints say of them."""

from __future__ import annotations

from collections.abc import Sequence


def mirror_keypoints(keypoint_names: Sequence[str]) -> tuple[int, ...]:
    """For each keypoint the one it becomes when left and right change places, told by ``left`` and ``right`` in the
    names; the others stay."""
    swap = {"left": "right", "right": "left"}
    position = {name: k for k, name in enumerate(keypoint_names)}
    pairs = []
    for k, name in enumerate(keypoint_names):
        side = next((word for word in swap if word in name), None)
        pairs.append(k if side is None else position.get(name.replace(side, swap[side]), k))
    return tuple(pairs)
