"""How found objects are drawn: by what they are coloured, and what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image
from torch import Tensor

from maskrcnn.drawing.chips import chip_size, draw_chip, place_font
from maskrcnn.drawing.colours import PALETTE, Color
from maskrcnn.drawing.overlay import draw
from maskrcnn.structures import Instances

MANY = 15  # objects of several classes: beyond, colours of classes tell more than colours of objects
GAP = 6  # pixels between words of a legend
PAPER: Color = (255, 255, 255)


@dataclass(frozen=True)
class DrawStyle:
    """What of found objects is drawn over a picture.

    Attributes:
        colour: ``object`` gives neighbours colours that differ, ``class`` each class a colour and the picture a legend
            with counts; ``auto``: by class where there are several classes and more than 15 objects.
        boxes: draw the boxes of objects that have a mask.
        labels: write class and score beside objects.
        line_width: of outlines, in pixels of the picture; None: what suits its size.
        scale: how many times larger than the image the picture is; None: only small images are enlarged.
        page: seconds of a recording that a picture shows at most; None: all.
    """

    colour: Literal["auto", "class", "object"] = "auto"
    boxes: bool = True
    labels: bool = True
    line_width: float | None = None
    scale: int | None = None
    page: float | None = None


def draw_found(
    image: Tensor | np.ndarray,
    found: Instances,
    class_names: Sequence[str],
    style: DrawStyle,
    skeleton: Sequence[tuple[int, int]] = (),
    keypoint_names: Sequence[str] = (),
) -> Image.Image:
    """An image with its objects in a style.

    Args:
        image: tensor ``[C, H, W]`` or array ``[H, W, C]``, 0..255.
        found: the objects, in pixels of the image.
        class_names: of labels 1..K.
        style: how they are drawn.
        skeleton: pairs of keypoints, counted from 0, to join.
        keypoint_names: tell left from right.

    Returns:
        The picture; with a legend below it where colours are those of classes.
    """
    labels = [label for label in found.labels.tolist() if label > 0]
    counts = Counter(labels)
    by_class = style.colour == "class" or (style.colour == "auto" and len(counts) > 1 and len(labels) > MANY)
    of_class = class_colours(sorted(counts)) if by_class else {}
    drawn = draw(
        image,
        found,
        class_names,
        colors=[of_class.get(label, PALETTE[0]) for label in found.labels.tolist()] if by_class else None,
        boxes=style.boxes,
        labels=style.labels,
        skeleton=skeleton,
        keypoint_names=keypoint_names,
        line_width=style.line_width,
        scale=style.scale,
    )
    if not of_class:
        return drawn
    words = [(f"{class_names[label - 1]} {count}", of_class[label]) for label, count in counts.most_common()]
    return with_legend(drawn, words)


def class_colours(labels: Sequence[int]) -> dict[int, Color]:
    """A colour for each class: its own in every picture, but where another class of the picture has it."""
    taken: dict[int, int] = {}
    for label in labels:
        wanted = (label - 1) % len(PALETTE)
        free = [k for k in range(len(PALETTE)) if k not in taken.values()] or list(range(len(PALETTE)))
        taken[label] = wanted if wanted in free else free[0]
    return {label: PALETTE[k] for label, k in taken.items()}


def with_legend(picture: Image.Image, words: Sequence[tuple[str, Color]]) -> Image.Image:
    """A picture with a white strip below it that holds words on grounds of their colours, in as many rows as needed."""
    font = place_font(picture.size)
    places: list[tuple[int, int]] = []
    x, y, height = GAP, GAP, 0
    for text, _ in words:
        width, height = chip_size(text, font)
        if x > GAP and x + width + GAP > picture.width:
            x, y = GAP, y + height + GAP
        places.append((x, y))
        x += width + GAP
    canvas = Image.new("RGB", (picture.width, picture.height + y + height + GAP), PAPER)
    canvas.paste(picture)
    for (text, color), (left, top) in zip(words, places):
        draw_chip(canvas, (left, picture.height + top), text, color, font)
    return canvas
