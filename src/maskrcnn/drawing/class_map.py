"""Class maps in colours: over the image, with a legend of what is in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

from maskrcnn.drawing.chips import chip_font, chip_size, draw_chip
from maskrcnn.drawing.colours import BLACK, OTHERS, PALETTE, Color
from maskrcnn.drawing.overlay import to_rgb

SHADES = (1.0, 0.62, 1.45, 0.38)  # of the palette, for the thirteenth class and those after it
OPACITY = 0.6
SMALL_SIDE = 384  # pixels; smaller images are enlarged
GAP = 6  # pixels between the chips of the legend


def map_color(label: int) -> Color:
    """The colour of class ``label`` (1..K); grey for 0 and for samples that nobody labelled."""
    if label <= 0:
        return OTHERS
    red, green, blue = PALETTE[(label - 1) % len(PALETTE)]
    shade = SHADES[(label - 1) // len(PALETTE) % len(SHADES)]

    def shaded(value: int) -> int:
        return round(value * shade if shade <= 1 else 255 - (255 - value) * (2 - shade))

    return shaded(red), shaded(green), shaded(blue)


def draw_class_map(
    image: Tensor | np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    legend: bool = True,
    background: str = "",
) -> Image.Image:
    """The image under its class map, and below it the classes that are there, the largest first.

    Args:
        image: tensor ``[C, H, W]``, or array ``[H, W, C]`` or ``[H, W]``; values 0..255.
        labels: whole numbers ``[H, W]``: 0 for no class (which is not coloured), 1..K, less for unlabelled (grey).
        class_names: of labels 1..K.
        legend: whether classes and their parts of the picture are written below.
        background: what samples of no class are called in the legend; empty: they are not in it.

    Returns:
        An RGB image as wide as the image, or a whole multiple of it for images under 384 pixels.
    """
    canvas = to_rgb(image)
    scale = -(-SMALL_SIDE // max(canvas.size)) if max(canvas.size) < SMALL_SIDE else 1
    there, counts = np.unique(labels, return_counts=True)
    table = np.array([map_color(int(label)) for label in there], dtype=np.float32)
    amount = np.where(there == 0, 0.0, OPACITY).astype(np.float32)
    at = np.searchsorted(there, labels)
    mixed = np.asarray(canvas, dtype=np.float32) * (1 - amount[at][..., None]) + table[at] * amount[at][..., None]
    coloured = Image.fromarray(np.round(mixed).astype(np.uint8))
    if scale > 1:
        coloured = coloured.resize((coloured.width * scale, coloured.height * scale), Image.Resampling.NEAREST)
    if not legend:
        return coloured
    order = [int(k) for k in np.argsort(-counts, kind="stable")]
    entries = []
    for k in order:
        label = int(there[k])
        name = background if label == 0 else "unlabelled" if label < 0 else class_names[label - 1]
        if name:
            entries.append((f"{name} {counts[k] / labels.size:.1%}", map_color(label)))
    return _with_legend(coloured, entries)


def _with_legend(picture: Image.Image, entries: Sequence[tuple[str, Color]]) -> Image.Image:
    """The picture with a chip for each entry in rows below it."""
    if not entries:
        return picture
    font = chip_font([entries[0][0]], picture.size)
    places, x, y, height = [], GAP, GAP, 0
    for text, _ in entries:
        width, height = chip_size(text, font)
        if x > GAP and x + width + GAP > picture.width:
            x, y = GAP, y + height + GAP
        places.append((x, y))
        x += width + GAP
    whole = Image.new("RGB", (picture.width, picture.height + y + height + GAP), BLACK)
    whole.paste(picture, (0, 0))
    for (left, top), (text, color) in zip(places, entries):
        draw_chip(whole, (left, picture.height + top), text, color, font)
    return whole
