"""Heat over a picture: colours whose steps look equal, on a photo gone grey, and panels of it side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from maskrcnn.drawing.chips import chip_sizes, draw_chip, place_chips
from maskrcnn.drawing.colours import BLACK, WHITE, Color, from_oklab

PANEL = 360  # pixels a side of a panel
GAP, FONT = 14, 17  # pixels
PAPER: Color = (24, 26, 31)
QUIET: Color = (176, 182, 192)
# Lightness, chroma and hue (degrees) of OKLab along the scale, violet over red to yellow, rising evenly in lightness.
STOPS = ((0.28, 0.13, 300.0), (0.46, 0.19, 345.0), (0.62, 0.20, 25.0), (0.77, 0.16, 65.0), (0.93, 0.14, 105.0))
GREY = 0.75  # of the photo's colour is taken away under the heat, so that the heat's own colours can be told
DIM = 0.72  # of the photo's brightness is left
MOST = 0.82  # opacity of the strongest heat; the photo stays visible
ROOT = 0.6  # opacity rises as heat to this power
AROUND = 1.8  # times a box's longer side: what is shown around it
SMALLEST = 48  # pixels a side that are shown of a picture


def _scale() -> np.ndarray:
    """256 colours uint8 ``[256, 3]``."""
    lightness, chroma, hue = (
        np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, len(STOPS)), values)
        for values in zip(*((a, b, h if h >= 300 else h + 360) for a, b, h in STOPS))
    )
    angle = np.deg2rad(hue)
    return from_oklab(np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=-1))


HEAT_COLORS = _scale()


@dataclass(frozen=True)
class Panel:
    """One picture of a sheet.

    Attributes:
        picture: what is shown.
        lines: of the caption, the first of them bright.
        boxes: ``[N, 4]`` in pixels of the picture, outlined.
        heat: float ``[H, W]`` of the picture's size, 0..1; None: the picture as it is, its boxes numbered from 1.
    """

    picture: Image.Image
    lines: tuple[str, ...]
    boxes: np.ndarray
    heat: np.ndarray | None = None


def relative(heat: np.ndarray) -> np.ndarray:
    """Heat with its own highest value as 1, and 0 where there is none or less; all 0 where nothing is above 0."""
    heat = np.nan_to_num(np.asarray(heat, dtype=np.float32)).clip(min=0)
    return heat / max(float(heat.max(initial=0)), 1e-12)


def window_around(box: Sequence[float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 of the part of a picture of ``size`` (width, height) that shows an object and what is around it.

    A square of :data:`AROUND` times the box's longer side, at least :data:`SMALLEST` pixels, moved and cut to fit.
    """
    x1, y1, x2, y2 = box
    side = round(max(AROUND * max(x2 - x1, y2 - y1), SMALLEST))
    window = []
    for centre, extent in zip(((x1 + x2) / 2, (y1 + y2) / 2), size):
        length = min(side, extent)
        start = min(max(round(centre - length / 2), 0), extent - length)
        window.append((start, start + length))
    return window[0][0], window[1][0], window[0][1], window[1][1]


def heat_over(picture: Image.Image, heat: np.ndarray) -> Image.Image:
    """The picture, grey and dim, with heat ``[H, W]`` (0..1) in colour over it."""
    photo = np.asarray(picture.convert("RGB"), dtype=np.float32)
    grey = photo @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    calm = DIM * (GREY * grey[..., None] + (1 - GREY) * photo)
    level = np.clip(np.nan_to_num(heat), 0, 1)
    opacity = (MOST * level**ROOT)[..., None]
    color = HEAT_COLORS[np.round(255 * level).astype(np.int64)]
    return Image.fromarray(np.round((1 - opacity) * calm + opacity * color).astype(np.uint8))


def draw_panels(panels: Sequence[Panel], sentences: Sequence[str]) -> Image.Image:
    """Panels side by side, with captions, the scale of colours and what is to be said of all of them below."""
    font, small = ImageFont.load_default(FONT), ImageFont.load_default(FONT - 3)
    captions = [_caption(panel.lines, font) for panel in panels]
    caption = max(map(len, captions), default=0) * (FONT + 6) + GAP
    width = max(len(panels), 2) * (PANEL + GAP) + GAP
    lines = [line for sentence in sentences for line in wrap(sentence, small, width - 2 * GAP)]
    sheet = Image.new("RGB", (width, GAP + PANEL + caption + 2 * (FONT + 6) + len(lines) * (FONT + 4) + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for k, panel in enumerate(panels):
        left = GAP + k * (PANEL + GAP)
        drawn = _draw_panel(panel)
        sheet.paste(drawn, (left + (PANEL - drawn.width) // 2, GAP + (PANEL - drawn.height) // 2))
        for row, text in enumerate(captions[k]):
            place = (left, GAP + PANEL + 8 + row * (FONT + 6))
            pen.text(place, text, fill=QUIET if row else WHITE, font=font)
    top = GAP + PANEL + caption + 4
    _draw_scale(sheet, (GAP, top), small)
    for row, line in enumerate(lines):
        pen.text((GAP, top + FONT + 14 + row * (FONT + 4)), line, fill=QUIET, font=small)
    return sheet


def _caption(lines: Sequence[str], font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """The first line cut to a panel's width, the others wrapped to it."""
    return [fit(lines[0], font, PANEL)] + [row for line in lines[1:] for row in wrap(line, font, PANEL)]


def _draw_panel(panel: Panel) -> Image.Image:
    """At most :data:`PANEL` pixels a side, in the picture's proportions."""
    scale = PANEL / max(panel.picture.size)
    size = (max(1, round(panel.picture.width * scale)), max(1, round(panel.picture.height * scale)))
    picture = panel.picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    boxes = panel.boxes * scale
    if panel.heat is not None:
        heat = Image.fromarray(panel.heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
        picture = heat_over(picture, np.asarray(heat))
    for box in boxes.tolist():
        _draw_outline(picture, box)
    if panel.heat is None:
        texts = [str(number) for number in range(1, len(boxes) + 1)]
        font = ImageFont.load_default(FONT)
        assert isinstance(font, ImageFont.FreeTypeFont)
        for text, place in zip(texts, place_chips(boxes, chip_sizes(texts, font), size)):
            if place is not None:
                draw_chip(picture, place, text, WHITE, font)
    return picture


def _draw_outline(picture: Image.Image, box: Sequence[float]) -> None:
    """A thin white box with a dark rim, to be seen on any ground."""
    x1, y1, x2, y2 = (round(c) for c in box)
    for grow, color in ((1, BLACK), (0, WHITE)):
        outline = (x1 - grow, y1 - grow, max(x1, x2 - 1) + grow, max(y1, y2 - 1) + grow)
        ImageDraw.Draw(picture).rectangle(outline, outline=color, width=1)


def _draw_scale(
    sheet: Image.Image, corner: tuple[int, int], font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> None:
    """What the colours mean: a strip from none to most, with words at both ends."""
    x, y = corner
    pen, height, length = ImageDraw.Draw(sheet), FONT - 3, 150
    first, last = "no evidence", "this object's own strongest place"
    pen.text((x, y), first, fill=QUIET, font=font)
    x += round(font.getlength(first)) + 10
    strip = np.tile(np.linspace(0, 1, length), (height, 1))
    sheet.paste(heat_over(Image.new("RGB", (length, height), (128, 128, 128)), strip), (x, y + 2))
    pen.text((x + length + 10, y), last, fill=QUIET, font=font)


def fit(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    """Cut a text at its end, with dots, where it is too wide.

    Args:
        text: one line.
        font: it is drawn with.
        width: most pixels.

    Returns:
        The text, or its beginning.
    """
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}...") > width:
        text = text[:-1]
    return f"{text}..."


def wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """Break a text into lines between words.

    Args:
        text: any number of words.
        font: it is drawn with.
        width: most pixels of a line.

    Returns:
        The lines.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
