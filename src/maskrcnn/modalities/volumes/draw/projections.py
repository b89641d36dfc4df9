"""A volume seen through: its brightest voxels along each axis, with the silhouettes of the objects that were found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from maskrcnn.drawing.heat import PAPER, QUIET
from maskrcnn.drawing.page import MARGIN, TEXT_SIZE, font_of
from maskrcnn.modalities.volumes.draw.objects import NAMED, Objects, objects_of
from maskrcnn.modalities.volumes.draw.outlines import Stroke, draw_object, smooth_outlines
from maskrcnn.modalities.volumes.draw.planes import Plane, plane_across, shown_channels, to_levels, value_windows
from maskrcnn.modalities.volumes.draw.sheet import (
    FOOT,
    LEAST,
    LETTER_ROOM,
    PAGE,
    draw_head,
    draw_letters,
    draw_scale_bar,
    facts_of,
    head_height,
)
from maskrcnn.modalities.volumes.draw.slices import NARROWEST, most_scale
from maskrcnn.modalities.volumes.volume import Volume
from maskrcnn.structures import Instances

HIGHEST = 900  # pixels of a projection
BETWEEN = 24  # pixels between two projections, and the letters of both
CAPTION = 26  # pixels above them
THINNEST = 24  # pixels a side: what is thinner shows nothing
SILHOUETTES = 0.10  # opacity of the tint of a few; many lie one upon another and have none
TAILS = (0.5, 99.0)  # percentiles: few of the brightest voxels are much brighter than the others


def draw_projections(volume: Volume, detections: Instances, class_names: Sequence[str], title: str = "") -> Image.Image:
    """Maximum intensity projections along z, y and x, side by side, all of one scale at physical proportions.

    Args:
        volume: of one channel, or three that are red, green and blue; of others the first is shown.
        detections: labels and regions on the volume's voxels; boxes where there are no masks.
        class_names: of labels 1..K.
        title: the name of the scan.

    Returns:
        An RGB image, 800 to 1600 pixels wide. A projection that would be a mere line, as two of a single slice are, is
        left out.
    """
    found = objects_of(detections, volume.samples.shape[1:])
    planes = [plane_across(volume, axis) for axis in range(3)]
    around = LETTER_ROOM if planes[0].letters else 0
    scale = _scale(planes, around)
    sizes = [_size(plane, scale) for plane in planes]
    shown = [k for k in range(3) if k == 0 or min(sizes[k]) >= THINNEST]
    planes, sizes = [planes[k] for k in shown], [sizes[k] for k in shown]
    pictures = [_project(volume, plane, size) for plane, size in zip(planes, sizes)]
    _draw_silhouettes(pictures, planes, found)

    legend = found.legend(class_names)
    wide = sum(max(width + 2 * around, NARROWEST) + BETWEEN for width, _ in sizes) - BETWEEN
    page_width = max(wide + 2 * MARGIN, LEAST)
    top = head_height(legend, page_width) + CAPTION + around
    high = max(height for _, height in sizes)
    foot = FOOT if volume.spacing is not None else 0
    page = Image.new("RGB", (page_width, top + high + around + foot + MARGIN - 6), PAPER)
    draw_head(page, title, [*facts_of(volume, len(found)), "brightest voxels along each axis"], legend)
    x = (page_width - wide) // 2
    for plane, picture in zip(planes, pictures):
        box = (x + around, top, x + around + picture.width, top + picture.height)
        page.paste(picture, box[:2])
        ImageDraw.Draw(page).text((box[0], top - around - 8), plane.name, QUIET, font_of(TEXT_SIZE), anchor="ls")
        draw_letters(page, box, plane.letters or ())
        x += max(picture.width + 2 * around, NARROWEST) + BETWEEN
    if foot:
        right = (page_width + wide) // 2 - around
        draw_scale_bar(page, right, page.height - MARGIN + 6 - FOOT // 2, scale)
    return page


def _scale(planes: Sequence[Plane], around: int) -> float:
    """Pixels for each millimetre."""
    room = PAGE - 2 * MARGIN - 2 * BETWEEN - 6 * around - 3  # sizes are rounded
    widths = sorted(plane.extent[1] for plane in planes)
    # Whichever the k narrowest are that take NARROWEST instead of their own width, all have room.
    across = min((room - k * NARROWEST) / sum(widths[k:]) for k in range(3))
    finest = [most_scale(plane.extent, plane.shape) for plane in planes]
    return min(across, HIGHEST / max(plane.extent[0] for plane in planes), *finest)


def _size(plane: Plane, scale: float) -> tuple[int, int]:
    return max(1, round(plane.extent[1] * scale)), max(1, round(plane.extent[0] * scale))


def _project(volume: Volume, plane: Plane, size: tuple[int, int]) -> Image.Image:
    brightest = shown_channels(volume.samples).amax(dim=1 + plane.axis)
    return plane.picture(to_levels(brightest, value_windows(brightest, TAILS)), size)


def _draw_silhouettes(pictures: Sequence[Image.Image], planes: Sequence[Plane], found: Objects) -> None:
    """Larger objects first."""
    opacity = SILHOUETTES if len(found) <= NAMED else 0.0
    for i in np.argsort(-found.regions.areas(), kind="stable").tolist():
        window, offset = found.regions.window(i), found.regions.offsets[i]
        for picture, plane in zip(pictures, planes):
            y, x = np.delete(offset, plane.axis).tolist()
            outlines = smooth_outlines(np.asarray(window.any(axis=plane.axis)), (x, y))
            placed = [plane.place(ring, picture.size) for ring in outlines]
            draw_object(picture, placed, Stroke(found.colors[i], opacity))
