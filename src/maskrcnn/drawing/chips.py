"""Label chips: a word on a rounded patch of the object's colour, placed where it covers no other label."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskrcnn.drawing.colours import Color, text_color

MIN_FONT = 10  # pixels: smaller is not read
MAX_COVER = 0.13  # part of the picture that labels may cover
SUPERSAMPLE = 4  # Pillow draws round corners without anti-aliasing

Box = tuple[float, float, float, float]


def chip_font(texts: Sequence[str], image_size: tuple[int, int]) -> ImageFont.FreeTypeFont:
    """The largest font, up to one that suits the picture, with which the labels leave the picture visible.

    Args:
        texts: all labels.
        image_size: width and height in pixels.
    """
    size = max(MIN_FONT + 2, round(0.026 * math.prod(image_size) ** 0.5))
    while True:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont)
        if size <= MIN_FONT or not _crowded(chip_sizes(texts, font), image_size):
            return font
        size = max(MIN_FONT, min(size - 1, round(size * 0.9)))


def place_font(image_size: tuple[int, int]) -> ImageFont.FreeTypeFont:
    """The font that suits a picture of that width and height, however many words there are."""
    return chip_font([], image_size)


def chip_size(text: str, font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """Width and height of the chip of ``text``."""
    return round(font.getlength(text) + 0.7 * font.size), round(1.35 * font.size)


def chip_sizes(texts: Sequence[str], font: ImageFont.FreeTypeFont) -> list[tuple[int, int]]:
    """Width and height of each chip; thousands of objects share a few texts, and measuring is slow."""
    sizes = {text: chip_size(text, font) for text in set(texts)}
    return [sizes[text] for text in texts]


def place_chips(
    boxes: np.ndarray, sizes: Sequence[tuple[int, int]], image_size: tuple[int, int]
) -> list[tuple[int, int] | None]:
    """The top left corner of each chip: at its box, inside the picture, clear of other chips and of small boxes.

    Args:
        boxes: ``[N, 4]`` in pixels.
        sizes: width and height of each chip.
        image_size: width and height in pixels.

    Returns:
        One (x, y) for each box. None where a chip could only cover other chips, and, where there are too many labels
        for the picture, for boxes of less than twice their chip's area.
    """
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    crowded = _crowded(sizes, image_size)
    taken, count = np.zeros((len(boxes), 4)), 0
    corners: list[tuple[int, int] | None] = []
    for box, area, (width, height) in zip(boxes, areas, sizes):
        if crowded and area < 2 * width * height:
            corners.append(None)
            continue
        places = _candidates(box, width, height, image_size)
        reach = np.concatenate([places[:, :2].min(axis=0), places[:, 2:].max(axis=0)])
        around = _overlaps(reach[None], boxes)[0] > 0  # of thousands of boxes only these can be hidden
        others = taken[:count][_overlaps(reach[None], taken[:count])[0] > 0]
        covered = _overlaps(places, others).sum(axis=1) / (width * height)
        hidden = (_overlaps(places, boxes[around]) / np.maximum(areas[around], 1)).sum(axis=1)
        best = int(np.argmin(3 * covered + 0.3 * hidden.clip(max=1) + 0.01 * np.arange(len(places))))
        if covered[best] > 0.4:
            corners.append(None)
            continue
        taken[count], count = places[best], count + 1
        corners.append((int(places[best, 0]), int(places[best, 1])))
    return corners


def _crowded(sizes: Sequence[tuple[int, int]], image_size: tuple[int, int]) -> bool:
    return sum(width * height for width, height in sizes) > MAX_COVER * math.prod(image_size)


def _candidates(box: np.ndarray, width: int, height: int, image_size: tuple[int, int]) -> np.ndarray:
    """Places at the box's edges, ``[22, 4]``, best first: above, inside at the top, below, inside below, beside."""
    x1, y1, x2, y2 = box
    columns = [x1 + part * max(0.0, x2 - x1 - width) for part in (0, 1, 0.5, 0.25, 0.75)]
    corners = [(x, y) for y in (y1 - height, y1, y2, y2 - height) for x in columns]
    corners += [(x2, y1), (x1 - width, y1)]
    room = np.maximum(np.array(image_size) - (width, height), 0)
    low = np.clip(np.round(corners), 0, room)
    return np.concatenate([low, low + (width, height)], axis=1)


def _overlaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Areas of the intersections of boxes ``[N, 4]`` with boxes ``[M, 4]``, ``[N, M]``."""
    sides = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    areas: np.ndarray = sides.clip(min=0).prod(axis=-1)
    return areas


def draw_chip(
    canvas: Image.Image, corner: tuple[int, int], text: str, color: Color, font: ImageFont.FreeTypeFont
) -> None:
    """Draw a chip: a word on a coloured ground.

    Args:
        canvas: RGB, is drawn on.
        corner: its top left, x and y in pixels.
        text: of the chip.
        color: of the ground.
        font: of the text.
    """
    width, height = chip_size(text, font)
    shape = Image.new("L", (width * SUPERSAMPLE, height * SUPERSAMPLE))
    whole = (0, 0, shape.width - 1, shape.height - 1)
    ImageDraw.Draw(shape).rounded_rectangle(whole, radius=0.25 * shape.height, fill=235)
    canvas.paste(color, corner, shape.resize((width, height), Image.Resampling.BOX))
    middle = (corner[0] + width / 2, corner[1] + height / 2)
    ImageDraw.Draw(canvas).text(middle, text, fill=text_color(color), font=font, anchor="mm")
