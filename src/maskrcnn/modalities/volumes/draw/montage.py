"""A volume as a sheet of its slices, with the cut of every object that was found in the colour of its class.

Slices are shown at their physical proportions, from the feet to the head where the scan says how it lies, the patient's
right at the left as radiologists have it. Each object is named once, where most of it is seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from maskrcnn.drawing.chips import chip_sizes, draw_chip, place_chips
from maskrcnn.drawing.colours import WHITE
from maskrcnn.drawing.heat import PAPER
from maskrcnn.drawing.page import MARGIN, font_of
from maskrcnn.modalities.volumes.draw.objects import NAMED, Objects, objects_of
from maskrcnn.modalities.volumes.draw.outlines import Stroke, draw_object, smooth_outlines
from maskrcnn.modalities.volumes.draw.planes import Plane, plane_across, shown_channels, to_levels, value_windows
from maskrcnn.modalities.volumes.draw.sheet import (
    FOOT,
    LEAST,
    LETTER_ROOM,
    PAGE,
    SMALL,
    Entry,
    draw_head,
    draw_letters,
    draw_scale_bar,
    draw_word,
    facts_of,
    head_height,
)
from maskrcnn.modalities.volumes.draw.slices import (
    Grid,
    areas_by_slice,
    choose_slices,
    first_slices,
    lay_grid,
    occupied,
)
from maskrcnn.modalities.volumes.volume import Volume
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

GAP = 8  # pixels between slices
ROOM = (PAGE - 2 * MARGIN - 2 * LETTER_ROOM, 1280)  # pixels for all slices
NUMBERED = 0.7  # part of many objects that must have room for their numbers, else none is written
TRUE = Stroke(WHITE, opacity=0.0, width=1.3, dash=(5.0, 3.5))


def draw_montage(
    volume: Volume,
    detections: Instances,
    class_names: Sequence[str],
    truth: Instances | None = None,
    title: str = "",
) -> Image.Image:
    """The picture of a volume and of what was found in it: 12 to 20 axial slices, or all if there are few.

    They are spread evenly over the part that holds objects; see
    ``choose_slices`` in ``slices.py``. Objects are numbered in their order, from 1. Those of one
    class alone have colours of their own, so that neighbours can be told apart, else each has its class's.

    Args:
        volume: of one channel, or three that are red, green and blue; of others the first is shown.
        detections: labels and regions on the volume's voxels; boxes where there are no masks.
        class_names: of labels 1..K.
        truth: drawn as thin white dashes.
        title: the name of the scan.

    Returns:
        An RGB image, 800 to 1600 pixels wide and as high as it must be.
    """
    shape = tuple(volume.samples.shape[1:])
    found, true = objects_of(detections, shape), objects_of(truth, shape)
    plane = plane_across(volume, 0)
    every = Regions.join([found.regions, true.regions])
    first, areas = first_slices(every), areas_by_slice(every)
    low, high = occupied(first, areas, shape[0])
    grid = lay_grid(plane.extent, plane.shape, high - low, ROOM, GAP)
    chosen = choose_slices(first, areas, shape[0], grid.count)
    tiles = _draw_slices(volume, plane, chosen, grid.tile)
    _draw_true(tiles, plane, true.regions, chosen)
    boxes = _draw_found(tiles, plane, found, chosen)
    largest = [_largest(z, a, chosen) for z, a in zip(first, areas[: len(found)])]
    _draw_words(tiles, found.words(class_names), found, boxes, largest)
    legend: list[Entry] = found.legend(class_names)
    legend += [([], f"truth  {len(true):,}")] if truth is not None else []
    facts = facts_of(volume, len(found))
    facts += [f"{len(chosen)} of {shape[0]} slices"] if len(chosen) < shape[0] else []
    missed = largest.count(None)
    facts += [f"{missed:,} objects in none of them"] if missed else []
    words = positions(volume, chosen)
    return _bind(tiles, words, plane, grid, title, facts, legend, volume.spacing is not None)


def positions(volume: Volume, slices: Sequence[int]) -> list[str]:
    """Where slices lie: towards the head of the origin, or from the first slice, in mm; else their indices."""
    shape = volume.samples.shape
    if volume.affine is not None:
        middle = [(shape[3] - 1) / 2, (shape[2] - 1) / 2]
        values = [float(volume.affine[2] @ [*middle, k, 1]) for k in slices]
    elif volume.spacing is not None:
        values = [k * volume.spacing[2] for k in slices]
    else:
        return [f"z {k}" for k in slices]
    whole = all(abs(value - round(value)) < 0.005 for value in values)
    return [f"z {value + 0.0:.{0 if whole else 1}f} mm" for value in values]


def _draw_slices(volume: Volume, plane: Plane, chosen: Sequence[int], size: tuple[int, int]) -> list[Image.Image]:
    samples = shown_channels(volume.samples)
    windows = value_windows(samples)
    return [plane.picture(to_levels(samples[:, k], windows), size) for k in chosen]


def _cuts(regions: Regions, i: int, chosen: Sequence[int]) -> list[tuple[int, list[np.ndarray]]]:
    """Of object ``i``: the number of each chosen slice that it is in, and its outlines there (x, y)."""
    window = regions.window(i)
    z, y, x = (int(offset) for offset in regions.offsets[i])
    inside = [(k, window[s - z]) for k, s in enumerate(chosen) if z <= s < z + len(window)]
    return [(k, smooth_outlines(mask, (x, y))) for k, mask in inside if mask.any()]


def _draw_found(
    tiles: list[Image.Image], plane: Plane, found: Objects, chosen: Sequence[int]
) -> dict[tuple[int, int], np.ndarray]:
    """Draw the objects, larger ones first; the box in pixels ``[4]`` of each object in each slice, by both numbers."""
    boxes = {}
    for i in np.argsort(-found.regions.areas(), kind="stable").tolist():
        for k, outlines in _cuts(found.regions, i, chosen):
            placed = [plane.place(ring, tiles[k].size) for ring in outlines]
            draw_object(tiles[k], placed, Stroke(found.colors[i]))
            points = np.concatenate(placed)
            boxes[i, k] = np.concatenate([points.min(axis=0), points.max(axis=0)])
    return boxes


def _draw_true(tiles: list[Image.Image], plane: Plane, regions: Regions, chosen: Sequence[int]) -> None:
    for i in range(len(regions)):
        for k, outlines in _cuts(regions, i, chosen):
            draw_object(tiles[k], [plane.place(ring, tiles[k].size) for ring in outlines], TRUE)


def _largest(first: int, areas: np.ndarray, chosen: Sequence[int]) -> int | None:
    """The number of the chosen slice in which most of an object is seen; None if it is in none."""
    seen = [int(areas[s - first]) if first <= s < first + len(areas) else 0 for s in chosen]
    return int(np.argmax(seen)) if any(seen) else None


def _draw_words(
    tiles: list[Image.Image],
    words: Sequence[str],
    found: Objects,
    boxes: dict[tuple[int, int], np.ndarray],
    largest: Sequence[int | None],
) -> None:
    """Name each object in one slice: on a chip beside it, or, where there are many, on itself if most have room."""
    font = font_of(SMALL)
    roomy = {i for i, k in enumerate(largest) if k is not None and _has_room(boxes[i, k], font.getlength(words[i]))}
    for k, tile in enumerate(tiles):
        named = [i for i, number in enumerate(largest) if number == k]
        around = np.array([boxes[i, k] for i in named]).reshape(-1, 4)
        if len(found) <= NAMED:
            places = place_chips(around, chip_sizes([words[i] for i in named], font), tile.size)
            for i, corner in zip(named, places):
                if corner is not None:
                    draw_chip(tile, corner, words[i], found.colors[i], font)
        elif len(roomy) >= NUMBERED * len(found):
            for i, (x1, y1, x2, y2) in zip(named, around.tolist()):
                if i in roomy:
                    draw_word(tile, ((x1 + x2) / 2, (y1 + y2) / 2), words[i], anchor="mm")


def _has_room(box: np.ndarray, length: float) -> bool:
    return bool((box[2:] - box[:2] > (length + 6, SMALL + 2)).all())


def _bind(
    tiles: list[Image.Image],
    words: Sequence[str],
    plane: Plane,
    grid: Grid,
    title: str,
    facts: Sequence[str],
    legend: Sequence[Entry],
    measured: bool,
) -> Image.Image:
    """The page of all slices."""
    around = LETTER_ROOM if plane.letters else 0
    wide = grid.columns * (grid.cell + GAP) - GAP
    width = max(wide + 2 * around + 2 * MARGIN, LEAST)
    top = head_height(legend, width) + around
    high = grid.rows * (grid.tile[1] + GAP) - GAP
    page = Image.new("RGB", (width, top + high + around + (FOOT if measured else 0) + MARGIN - 6), PAPER)
    draw_head(page, title, facts, legend)
    start = (width - wide) // 2
    for k, (tile, word) in enumerate(zip(tiles, words)):
        row, column = divmod(k, grid.columns)
        left = start + column * (grid.cell + GAP) + (grid.cell - tile.width) // 2
        y = top + row * (tile.height + GAP)
        page.paste(tile, (left, y))
        draw_word(page, (left + 6, y + tile.height - 6), word)
        if plane.letters:
            below = k + grid.columns >= len(tiles)
            edges = (column == 0, column == grid.columns - 1 or k == len(tiles) - 1, row == 0, below)
            box = (left, y, left + tile.width, y + tile.height)
            draw_letters(page, box, [letter if edge else None for letter, edge in zip(plane.letters, edges)])
    if measured:
        draw_scale_bar(page, start + wide, top + high + around + FOOT // 2, grid.tile[0] / plane.extent[1])
    return page
