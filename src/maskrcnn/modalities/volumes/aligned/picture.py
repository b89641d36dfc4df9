"""Regions that go with a label, over slices of the mean scan: warm where more goes with more, cool where with less."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from maskrcnn.association.fields import Shown
from maskrcnn.association.signs import colours_of_signs
from maskrcnn.drawing.colours import WHITE
from maskrcnn.drawing.heat import PAPER, QUIET
from maskrcnn.drawing.page import MARGIN, TEXT_SIZE, font_of
from maskrcnn.modalities.volumes.draw.montage import GAP, ROOM, positions
from maskrcnn.modalities.volumes.draw.planes import plane_across, to_levels, value_windows
from maskrcnn.modalities.volumes.draw.sheet import (
    FOOT,
    LEAST,
    LETTER_ROOM,
    draw_head,
    draw_letters,
    draw_scale_bar,
    draw_word,
    head_height,
)
from maskrcnn.modalities.volumes.draw.slices import areas_by_slice, choose_slices, first_slices, lay_grid, occupied
from maskrcnn.modalities.volumes.volume import Volume
from maskrcnn.regions import Regions

STRONG = 0.85  # opacity of the regions' colours
BAR = (160, 14)  # pixels of the scale of colours


def draw_effect(volume: Volume, shown: Shown, channel: int) -> Image.Image:
    """A page of axial slices through the regions; of the whole scan where there is none.

    Args:
        volume: of one channel, the mean of all scans.
        shown: the map and its regions.
        channel: of the map.

    Returns:
        An RGB image.
    """
    numbers, statistic = shown.numbers[channel], shown.statistic[channel]
    sides = tuple(volume.samples.shape[1:])
    plane = plane_across(volume, 0)
    regions = Regions.from_label_map(numbers)
    first, areas = first_slices(regions), areas_by_slice(regions)
    low, high = occupied(first, areas, sides[0])
    grid = lay_grid(plane.extent, plane.shape, high - low, ROOM, GAP)
    chosen = choose_slices(first, areas, sides[0], grid.count)
    windows = value_windows(volume.samples)
    tiles = []
    for k in chosen:
        grey = np.repeat(to_levels(volume.samples[:, k], windows), 3, axis=0)
        colours = colours_of_signs(statistic[k] / max(shown.limit, 1e-9)).transpose(2, 0, 1)
        mix = np.where(numbers[k] > 0, STRONG, 0.0)
        tiles.append(plane.picture((grey * (1 - mix) + colours * mix).round().astype(np.uint8), grid.tile))
    return _page(tiles, positions(volume, chosen), volume, grid.columns, shown)


def _page(tiles: list[Image.Image], words: list[str], volume: Volume, columns: int, shown: Shown) -> Image.Image:
    plane = plane_across(volume, 0)
    wide, high = tiles[0].size
    rows = -(-len(tiles) // columns)
    columns = min(columns, len(tiles))
    around = LETTER_ROOM if plane.letters else 0
    across, down = columns * (wide + GAP) - GAP, rows * (high + GAP) - GAP
    width = max(across + 2 * around + 2 * MARGIN, LEAST)
    top = head_height([([WHITE], "")], width) + around
    page = Image.new("RGB", (width, top + down + around + FOOT + MARGIN - 6), PAPER)
    draw_head(page, shown.title, shown.facts, [([PAPER], "")])
    draw_scale_of_colours(page, (MARGIN, MARGIN + 40), shown)
    start = (width - across) // 2
    for k, (tile, word) in enumerate(zip(tiles, words)):
        row, column = divmod(k, columns)
        left, y = start + column * (wide + GAP), top + row * (high + GAP)
        page.paste(tile, (left, y))
        draw_word(page, (left + 6, y + high - 6), word)
        if plane.letters:
            edges = (column == 0, column == columns - 1 or k == len(tiles) - 1, row == 0, k + columns >= len(tiles))
            letters = [letter if edge else None for letter, edge in zip(plane.letters, edges)]
            draw_letters(page, (left, y, left + wide, y + high), letters)
    if volume.spacing is not None:
        draw_scale_bar(page, start + across, top + down + around + FOOT // 2, wide / plane.extent[1])
    return page


def draw_scale_of_colours(page: Image.Image, corner: tuple[int, int], shown: Shown) -> None:
    """The scale of the statistic, with its ends in numbers.

    Args:
        page: RGB; it is changed.
        corner: left and top in pixels.
        shown: whose scale it is.
    """
    two_sided = shown.symbol == "t"
    steps = np.linspace(-1 if two_sided else 0, 1, BAR[0])
    bar = np.broadcast_to(colours_of_signs(steps)[None], (BAR[1], BAR[0], 3))
    font, pen = font_of(TEXT_SIZE), ImageDraw.Draw(page)
    low = f"{shown.symbol} {-shown.limit if two_sided else 0:.1f}"
    x, y = corner
    pen.text((x, y + BAR[1] / 2), low, QUIET, font, anchor="lm")
    x += round(font.getlength(low)) + 8
    page.paste(Image.fromarray(np.ascontiguousarray(bar)), (x, y))
    pen.text((x + BAR[0] + 8, y + BAR[1] / 2), f"{shown.limit:.1f}", QUIET, font, anchor="lm")
