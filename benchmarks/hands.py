"""A hand that labels in the page of the studio, knows the true outlines and counts what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maskrcnn.masks.components import connected_parts
from maskrcnn.masks.rasterise import polygons_to_mask
from maskrcnn.modalities.images.labels.editable import MaskWindow
from maskrcnn.rle import decode_masks
from studio import until

GOOD = 0.87  # overlap at which the hand is content with an object
CORNERS = 4  # most of a stroke
TRIES = 3  # places of an object that a hand compares before a stroke
PATIENCE = 120.0  # seconds that the page may take
BUSY = "document.querySelector('#stage').getAttribute('aria-busy') === 'true'"
DONE = f"!studio.store.waiting.length && !studio.store.sending && !({BUSY})"
ON_SCREEN = "(points) => points.map(([x, y]) => studio.view.toScreen(x, y))"


@dataclass(frozen=True)
class Thing:
    """An object as it truly is: its class, its outline ``[C, 2]`` and its pixels ``[H, W]``."""

    name: str
    ring: np.ndarray
    mask: np.ndarray


@dataclass
class Hand:
    """Works on a page and counts what it does."""

    page: Any
    aims: int = 0
    presses: int = 0
    keys: int = 0
    size: float = 0.0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))

    def key(self, *names: str) -> None:
        for name in names:
            self.page.keyboard.press(name)
            self.keys += 1

    def stroke(self, points: Sequence[Sequence[float]]) -> None:
        """Press at the first of points of the image, draw over all and let go; a single one is a click."""
        box = self.page.locator("#stage").bounding_box()
        shown = self.page.evaluate(ON_SCREEN, np.asarray(points, float).tolist())
        spots = [(box["x"] + x, box["y"] + y) for x, y in shown]
        self.page.mouse.move(*spots[0])
        self.page.mouse.down()
        for spot in spots[1:]:
            self.page.mouse.move(*spot, steps=6)
        self.page.mouse.up()
        self.presses += 1
        self.aims += len(points)

    def button(self, selector: str) -> None:
        self.page.click(selector)
        self.presses += 1
        self.aims += 1

    def settled(self) -> None:
        until(self.page, DONE, PATIENCE)

    def wait(self, text: str, seconds: float = PATIENCE) -> None:
        until(self.page, text, seconds)

    def objects(self) -> list[dict[str, Any]]:
        """As the studio has them, with their masks ``[H, W]``."""
        self.settled()
        image = self.page.evaluate("fetch(`/api/images/${studio.store.image.id}`).then((answer) => answer.json())")
        return [{**one, "pixels": pixels(one, (image["height"], image["width"]))} for one in image["objects"]]


def pixels(one: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    """The mask of an object of the interface."""
    if one["mask"]:
        window = MaskWindow(tuple(one["mask"]["box"]), tuple(one["mask"]["runs"]))
        return window.regions(shape).mask(0)
    if one["parts"]:
        return filled([part[0] for part in one["parts"]], shape)
    return np.zeros(shape, bool)


def filled(rings: Sequence[Any], shape: tuple[int, int]) -> np.ndarray:
    return decode_masks([polygons_to_mask([list(map(float, ring)) for ring in rings], shape)], shape).mask(0)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max(1, (a | b).sum()))


def fewest_corners(thing: Thing) -> np.ndarray:
    """The outline without the corners that matter least, as long as it covers the object well."""
    best = ring = thing.ring
    while len(ring) > 3:
        before, after = np.roll(ring, 1, 0), np.roll(ring, -1, 0)
        (ax, ay), (bx, by) = (ring - before).T, (after - ring).T
        ring = np.delete(ring, np.abs(ax * by - ay * bx).argmin(), 0)
        if overlap(filled([ring.ravel()], thing.mask.shape), thing.mask) < GOOD:
            break
        best = ring
    return best


def brushed(mask: np.ndarray, points: np.ndarray, size: float, value: bool) -> np.ndarray:
    """What a round brush leaves of a mask."""
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]] + 0.5
    reached = np.zeros_like(mask)
    for (ax, ay), (bx, by) in zip(points[:-1], points[1:]):
        length = (bx - ax) ** 2 + (by - ay) ** 2
        along = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1) if length else 0.0
        reached |= np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) <= size / 2
    return np.where(reached, value, mask)


def sizes(size: float) -> dict[int, list[str]]:
    """The sizes that the brush has after presses of the keys that change it, and these."""
    found: dict[int, list[str]] = {int(size): []}
    for key, change in (("]", lambda s: s * 1.2 + 1), ("[", lambda s: s / 1.2 - 1)):
        now, pressed = size, []
        for _ in range(12):
            now = max(1, min(500, int(np.floor(change(now) + 0.5))))
            pressed = [*pressed, key]
            found.setdefault(int(now), pressed)
    return found


def best_stroke(mask: np.ndarray, truth: np.ndarray, size: float) -> tuple[float, bool, np.ndarray, int] | None:
    """The stroke that helps most: the overlap after it, whether it adds, its corners, and the brush's size."""
    best: tuple[float, bool, np.ndarray, int] | None = None
    reachable = np.array(sorted(sizes(size)))
    for adds, wrong in ((True, truth & ~mask), (False, mask & ~truth)):
        parts = connected_parts(wrong.astype(np.uint8))
        for number in np.argsort(-np.bincount(parts.ravel())[1:])[:TRIES] + 1:
            spots = np.argwhere(parts == number)[:, ::-1] + 0.5
            if len(spots) < 12:
                continue
            _, _, axes = np.linalg.svd(spots - spots.mean(0), full_matrices=False)
            along = (spots - spots.mean(0)) @ axes[0]
            for corners in range(1, CORNERS + 1):
                order = np.array_split(np.argsort(along), corners)
                path = np.array([spots[slice_].mean(0) for slice_ in order])
                wide = len(spots) / max(np.ptp(along), 1)
                for wanted in (wide, 1.5 * wide, 2.2 * wide):
                    brush = int(reachable[np.abs(reachable - wanted).argmin()])
                    after = overlap(brushed(mask, np.concatenate([path, path[-1:]]), brush, adds), truth)
                    if best is None or after > best[0] + 0.002 * (corners - len(best[2])):
                        best = (after, adds, path, brush)
    return best


def inner_point(mask: np.ndarray) -> list[float]:
    """Of a mask, far from its border."""
    while mask.any():
        inner, rolled = mask, (np.roll(mask, step, axis) for step in (1, -1) for axis in (0, 1))
        mask = np.logical_and.reduce([mask, *rolled])
    mask = inner
    y, x = np.argwhere(mask)[0]
    return [x + 0.5, y + 0.5]
