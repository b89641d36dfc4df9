"""The baseline of tools/surface/judge.py: tubes painted over joints, with the charts of anny-24."""

from __future__ import annotations

import numpy as np

# Joints at the ends, the left and the right limb's charts behind and in front, and half its width by its length.
LIMBS = (
    (5, 7, (15, 17), (16, 18), 0.22),
    (7, 9, (19, 21), (20, 22), 0.17),
    (11, 13, (8, 10), (7, 9), 0.2),
    (13, 15, (12, 14), (11, 13), 0.15),
)
BEYOND = ((7, 9, 4, 3, 0.35), (13, 15, 5, 6, 0.25))  # a hand, or a foot, goes on where its limb ends
SURE = 0.05  # score of a joint


def paint(joints: np.ndarray, low: list[int], high: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Parts ``[H, W]`` and u, v ``[2, H, W]`` of the window from ``low`` to ``high`` (y, x).

    Args:
        joints: ``[17, 3]``: x, y and score.
        low: the window's first pixel.
        high: the one after its last.
    """
    rows, columns = np.mgrid[low[0] : high[0], low[1] : high[1]] + 0.5
    places = np.stack([columns, rows], -1)
    parts, uv = np.zeros(rows.shape, int), np.zeros((2, *rows.shape))
    faces = joints[5, 0] > joints[6, 0]
    sure = joints[:, 2] > SURE

    def draw(cover: np.ndarray, part: int | np.ndarray, u: np.ndarray, v: np.ndarray) -> None:
        parts[cover] = part if np.isscalar(part) else part[cover]  # type: ignore[index]
        uv[0, cover], uv[1, cover] = u[cover].clip(0, 1), v[cover].clip(0, 1)

    if sure[[5, 6, 11, 12]].all():
        top, bottom = (joints[5, :2] + joints[6, :2]) / 2, (joints[11, :2] + joints[12, :2]) / 2
        along, across = _along(places, bottom, top)
        half = max(np.linalg.norm(joints[5, :2] - joints[6, :2]), 0.3 * np.linalg.norm(top - bottom)) * 0.6
        side = _side(places, bottom, top) * (1 if faces else -1)
        cover = (along > -0.15) & (along < 1.15) & (across < half)
        draw(cover, 2 if faces else 1, _round(across / half * side), 0.15 + 0.7 * along)
    head = [k for k in range(5) if sure[k]]
    if head and sure[[5, 6]].all():
        middle, neck = joints[head, :2].mean(0), (joints[5, :2] + joints[6, :2]) / 2
        radius = np.linalg.norm(middle - neck) * 0.7 + 1
        offset = places - middle
        cover = np.linalg.norm(offset, axis=-1) < radius
        left = (offset[..., 0] > 0) == faces
        away = np.abs(offset[..., 0]) / radius / 2
        draw(cover, np.where(left, 24, 23), away if faces else 1 - away, 0.5 - offset[..., 1] / radius / 2)
    for a, b, left_parts, right_parts, width in LIMBS:
        for shift, own in ((0, left_parts), (1, right_parts)):
            if not sure[[a + shift, b + shift]].all():
                continue
            start, stop = joints[a + shift, :2], joints[b + shift, :2]
            along, across = _along(places, start, stop)
            half = width * np.linalg.norm(stop - start) + 1
            outward = (1 if shift == 0 else -1) * (1 if faces else -1)
            side = np.sign(places[..., 0] - (start + along[..., None] * (stop - start))[..., 0]) * outward
            cover = (along >= 0) & (along <= 1) & (across < half)
            draw(cover, own[1 if faces else 0], _round(across / half * side), along)
    for a, b, left_part, right_part, length in BEYOND:
        for shift, part in ((0, left_part), (1, right_part)):
            if not sure[[a + shift, b + shift]].all():
                continue
            start, stop = joints[a + shift, :2], joints[b + shift, :2]
            along, across = _along(places, stop, stop + (stop - start) * length)
            cover = (along >= 0) & (along <= 1) & (across < 0.15 * np.linalg.norm(stop - start) + 1)
            draw(cover, part, np.full(along.shape, 0.5), along)
    return parts, uv


def _along(places: np.ndarray, start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far places lie from ``start`` to ``stop``, 0..1, and how many pixels beside."""
    axis = stop - start
    length = max(float(np.linalg.norm(axis)), 1e-6)
    offset = places - start
    along = offset @ axis / length**2
    return along, np.abs(offset[..., 0] * axis[1] - offset[..., 1] * axis[0]) / length


def _side(places: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """1 on the right of a line that goes up in the picture, -1 on its left."""
    axis, offset = stop - start, places - start
    side: np.ndarray = np.sign(axis[0] * offset[..., 1] - axis[1] * offset[..., 0])
    return side


def _round(across: np.ndarray) -> np.ndarray:
    """u of a half tube seen from straight ahead, from -1..1 across it."""
    u: np.ndarray = 0.5 + np.arcsin(across.clip(-1, 1)) / np.pi
    return u
