"""Detections drawn over their image: a translucent fill, a crisp outline, a thin box and a readable label for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from maskrcnn.drawing.chips import chip_font, chip_sizes, draw_chip, place_chips
from maskrcnn.drawing.colours import BLACK, Color, assign_colors
from maskrcnn.drawing.skeleton import draw_skeleton
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

SMALL_SIDE = 384  # images with a shorter long side are enlarged ...
TARGET_SIDE = 512  # ... by a whole factor to at least this, so that labels can be read
THINNEST = 1.8  # pixels of a line
# Of each level 0..255 of a step blurred by a Gaussian, in standard deviations from the half level.
LEVEL_DISTANCES = np.array([abs(NormalDist().inv_cdf(min(max(v, 0.5), 254.5) / 255)) for v in range(256)])
STRIP = 256  # rows that are converted together: floats of a large photo are many times the photo
CROWD = 200  # objects: beyond, boxes hide what the masks show


def draw(
    image: Tensor | np.ndarray,
    detections: Instances,
    class_names: Sequence[str],
    *,
    colors: Sequence[Color] | None = None,
    texts: Sequence[str] | None = None,
    opacity: float = 0.38,
    boxes: bool = True,
    labels: bool = True,
    skeleton: Sequence[tuple[int, int]] = (),
    keypoint_names: Sequence[str] = (),
    line_width: float | None = None,
    scale: int | None = None,
) -> Image.Image:
    """The image with every object in a colour of its own, larger ones first.

    Each object is drawn on its own window, so hundreds of objects in a large photo cost no more memory than the photo.

    Args:
        image: tensor ``[C, H, W]``, or array ``[H, W, C]`` or ``[H, W]``; values 0..255.
        detections: boxes in pixels of the image, and what is known of them: found or labelled.
        class_names: of labels 1..K.
        colors: one for each object; by default they are chosen so that neighbours differ.
        texts: what is written beside each object; None: its class and score.
        opacity: of the fill, 0..1.
        boxes: draw the boxes of objects that have a mask too, unless there are more than 200.
        labels: write ``texts``; where there are too many for the picture, only beside objects of some size.
        skeleton: pairs of keypoints, counted from 0, to join.
        keypoint_names: tell left from right, which then have colours of their own.
        line_width: of outlines, in pixels of the picture; None: what suits its size.
        scale: how many times larger the picture is than the image; None: as below.

    Returns:
        An RGB image of the same size, or a whole multiple of it for images under 384 pixels.
    """
    canvas = to_rgb(image)
    if scale is None:
        scale = -(-TARGET_SIDE // max(canvas.size)) if max(canvas.size) < SMALL_SIDE else 1
    if scale > 1:
        canvas = canvas.resize((canvas.width * scale, canvas.height * scale), Image.Resampling.BICUBIC)
    corners = detections.boxes.detach().cpu().double().numpy() * scale
    colors = assign_colors(corners) if colors is None else colors
    line = line_width or max(THINNEST, 0.0035 * math.sqrt(canvas.width * canvas.height))
    extents = corners[:, 2:] - corners[:, :2]
    thinnest = min(THINNEST, line)
    lines = np.clip(0.06 * extents.min(axis=1), thinnest, line).tolist()  # lest small objects vanish under their lines
    boxes = boxes and len(detections) <= CROWD
    for i in np.argsort(-extents.prod(axis=1), kind="stable"):
        if detections.regions is not None:
            _draw_region(canvas, detections.regions, int(i), colors[i], opacity, lines[i], scale)
        if boxes or detections.regions is None:
            _draw_box(canvas, corners[i], colors[i], lines[i] / 2 if detections.regions is not None else lines[i])
    if detections.keypoints is not None:
        points = detections.keypoints.detach().cpu().double().numpy() * [scale, scale, 1]
        for i in np.argsort(-extents.prod(axis=1), kind="stable"):
            draw_skeleton(canvas, points[i], extents[i], skeleton, keypoint_names)
    if labels:
        _draw_labels(canvas, corners, _texts(detections, class_names) if texts is None else list(texts), colors)
    return canvas


def to_rgb(image: Tensor | np.ndarray) -> Image.Image:
    """An RGB picture of a tensor ``[C, H, W]`` or an array ``[H, W, C]`` or ``[H, W]``.

    Values are 0..255 in any type. Grey is repeated, two channels become red and green, of four and more the first
    three are shown.
    """
    pixels = image.detach().cpu().movedim(0, -1).numpy() if isinstance(image, Tensor) else np.asarray(image)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.dtype == np.uint8 and pixels.shape[-1] == 3:
        return Image.fromarray(np.ascontiguousarray(pixels))
    channels = [0, 0, 0] if pixels.shape[-1] == 1 else list(range(min(3, pixels.shape[-1])))
    height, width = pixels.shape[:2]
    canvas = Image.new("RGB", (width, height))
    for top in range(0, height, STRIP):
        strip = np.zeros((min(STRIP, height - top), width, 3), dtype=np.uint8)
        strip[..., : len(channels)] = pixels[top : top + STRIP][..., channels].clip(0, 255)
        canvas.paste(Image.fromarray(strip), (0, top))
    return canvas


def _draw_region(
    canvas: Image.Image, regions: Regions, i: int, color: Color, opacity: float, line: float, scale: int
) -> None:
    """Fill and outline one object.

    A mask blurred by a Gaussian is, near its edge, a known function of the distance to the edge. A table of 256 values
    therefore turns it into a line of any width, smooth where the mask itself is a staircase.
    """
    mask = Image.fromarray(regions.window(i).view(np.uint8) * 255)
    if not mask.width or not mask.height:
        return
    sigma = max(0.6, min(0.7 * line, scale * min(mask.size) / 5))
    sigma = max(sigma, 0.9 * scale) if scale > 1 else sigma  # an enlarged mask has enlarged steps
    line = min(line, 2 * sigma)
    margin = math.ceil(3 * sigma + line)
    size = (mask.width * scale + 2 * margin, mask.height * scale + 2 * margin)
    window = Image.new("L", size)
    window.paste(mask.resize((mask.width * scale, mask.height * scale), Image.Resampling.BICUBIC), (margin, margin))
    top, left = (int(offset) * scale - margin for offset in regions.offsets[i])
    canvas.paste(color, (left, top), window.point([round(v * opacity) for v in range(256)]))
    edge = window.filter(ImageFilter.GaussianBlur(sigma))
    canvas.paste(BLACK, (left, top), edge.point(_line_table(sigma, line + max(1.0, 0.5 * line), 0.45)))
    canvas.paste(color, (left, top), edge.point(_line_table(sigma, line, 1.0)))


def _line_table(sigma: float, width: float, opacity: float) -> list[int]:
    """Opacities 0..255 of a line of ``width`` pixels along the half level of a step blurred by ``sigma``."""
    opacities = (width / 2 + 0.5 - sigma * LEVEL_DISTANCES).clip(0, 1) * opacity
    table: list[int] = np.round(255 * opacities).astype(int).tolist()
    return table


def _draw_box(canvas: Image.Image, corners: np.ndarray, color: Color, width: float) -> None:
    x1, y1, x2, y2 = np.round(corners).astype(int).tolist()
    pen = ImageDraw.Draw(canvas, "RGBA")
    pen.rectangle((x1, y1, max(x1, x2 - 1), max(y1, y2 - 1)), outline=(*color, 215), width=max(1, round(width)))


def _texts(detections: Instances, class_names: Sequence[str]) -> list[str]:
    """What is known of each object: its class, its score; nothing where nothing is known of any."""
    columns = zip(detections.labels.tolist(), detections.scores.tolist())
    texts = [_text(class_names[label - 1] if label > 0 else "", score) for label, score in columns]
    return texts if any(texts) else []


def _text(name: str, score: float) -> str:
    return name if math.isnan(score) else f"{name} {score:.2f}".strip()


def _draw_labels(canvas: Image.Image, corners: np.ndarray, texts: list[str], colors: Sequence[Color]) -> None:
    font = chip_font(texts, canvas.size)
    places = place_chips(corners, chip_sizes(texts, font), canvas.size)
    for i in reversed(range(len(texts))):  # the best last, on top
        place = places[i]
        if place is not None:
            draw_chip(canvas, place, texts[i], colors[i], font)
