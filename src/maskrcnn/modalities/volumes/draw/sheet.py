"""The dark page of a volume's pictures: title, facts and legend at its head, letters beside it, words upon it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFilter

from maskrcnn.drawing.colours import BLACK, WHITE, Color
from maskrcnn.drawing.heat import PAPER, QUIET, fit
from maskrcnn.drawing.page import MARGIN, TEXT_SIZE, TITLE_SIZE, font_of
from maskrcnn.modalities.volumes.volume import Volume

PAGE = 1600  # pixels: width of a page at most
LEAST = 800  # ... and at least
LETTER_ROOM = 22  # pixels beside a picture for the letters of its sides
FOOT = 26  # pixels for the scale below a picture
SMALL = 12  # pixels of the font of letters and positions
SWATCH, ENTRY_GAP, ROW = 16, 30, 28  # pixels of the legend

Entry = tuple[list[Color], str]  # colours and words; no colours: a dashed white line


def facts_of(volume: Volume, count: int) -> list[str]:
    """What is said of a volume beside its title."""
    sides = " x ".join(str(side) for side in volume.samples.shape[:0:-1])
    facts = [f"{sides} voxels"]
    if volume.spacing is not None:
        facts.append(" x ".join(f"{s:.3g}" for s in volume.spacing) + " mm")
    return [*facts, "1 object" if count == 1 else f"{count:,} objects"]


def legend_places(entries: Sequence[Entry], width: int) -> list[tuple[int, int]]:
    """The x in pixels and the row of each entry, in as many rows as it needs."""
    font, x, row = font_of(TEXT_SIZE + 1), MARGIN, 0
    places = []
    for colors, text in entries:
        size = _swatch_width(colors) + 8 + round(font.getlength(text))
        if x + size > width - MARGIN and x > MARGIN:
            x, row = MARGIN, row + 1
        places.append((x, row))
        x += size + ENTRY_GAP
    return places


def head_height(entries: Sequence[Entry], width: int) -> int:
    """Pixels from the page's upper edge to what it shows."""
    places = legend_places(entries, width)
    return MARGIN + 36 + ROW * (places[-1][1] + 1 if places else 1) + 14


def draw_head(page: Image.Image, title: str, facts: Sequence[str], entries: Sequence[Entry]) -> None:
    """Title, facts and legend; where the title leaves no room for the facts, it is cut.

    Args:
        page: RGB; it is changed.
        title: such as the file's name; may be empty.
        facts: short, such as the size.
        entries: of the legend; none: "nothing found".
    """
    pen, font, quiet = ImageDraw.Draw(page), font_of(TITLE_SIZE), font_of(TEXT_SIZE)
    said = "  ·  ".join(facts)
    title = fit(title, font, max(page.width - 2 * MARGIN - 22 - quiet.getlength(said), 200)) if title else ""
    pen.text((MARGIN, MARGIN + 18), title, WHITE, font, anchor="ls")
    x = MARGIN + (round(font.getlength(title)) + 22 if title else 0)
    pen.text((x, MARGIN + 18), said, QUIET, quiet, anchor="ls")
    for (colors, text), (left, row) in zip(entries, legend_places(entries, page.width)):
        y = MARGIN + 36 + ROW * row
        _draw_swatch(page, colors, left, y)
        pen.text((left + _swatch_width(colors) + 8, y + 11), text, WHITE, font_of(TEXT_SIZE + 1), anchor="lm")
    if not entries:
        pen.text((MARGIN, MARGIN + 47), "nothing found", QUIET, font_of(TEXT_SIZE + 1), anchor="lm")


def _swatch_width(colors: Sequence[Color]) -> int:
    return SWATCH + 9 * (len(colors) - 1 if colors else 1)


def _draw_swatch(page: Image.Image, colors: Sequence[Color], left: int, y: int) -> None:
    pen, right = ImageDraw.Draw(page), left + _swatch_width(colors) - 1
    if not colors:
        for x in range(left, right - 4, 9):
            pen.line((x, y + 11, x + 5, y + 11), WHITE, 2)
    for k, color in reversed(list(enumerate(colors))):
        place = (left + 9 * k, y + 3, left + 9 * k + SWATCH, y + 3 + SWATCH)
        pen.rounded_rectangle(place, radius=4, fill=color, outline=PAPER)


def draw_letters(page: Image.Image, box: tuple[int, int, int, int], letters: Sequence[str | None]) -> None:
    """Letters for the left, right, upper and lower side of a box, outside it.

    Args:
        page: RGB; it is changed.
        box: left, top, right and bottom in pixels.
        letters: of the four sides, in the order above; None: no letter.
    """
    left, top, right, bottom = box
    away, pen = LETTER_ROOM // 2, ImageDraw.Draw(page)
    middle, centre = (left + right) / 2, (top + bottom) / 2
    places = ((left - away, centre), (right + away, centre), (middle, top - away), (middle, bottom + away))
    for letter, place in zip(letters, places):
        if letter:
            pen.text(place, letter, QUIET, font_of(SMALL + 1), anchor="mm")


def draw_word(picture: Image.Image, place: tuple[float, float], text: str, anchor: str = "ls") -> None:
    """A word that can be read on any ground: white, with a soft shadow around it.

    Args:
        picture: RGB; it is changed.
        place: x and y in pixels.
        text: one line.
        anchor: which point of the text lies at ``place``, as Pillow names them.
    """
    font = font_of(SMALL)
    left, top, right, bottom = font.getbbox(text, anchor=anchor)
    corner = (round(place[0] + left) - 6, round(place[1] + top) - 6)
    shadow = Image.new("L", (round(right - left) + 12, round(bottom - top) + 12))
    at = (place[0] - corner[0], place[1] - corner[1])
    ImageDraw.Draw(shadow).text(at, text, 255, font, anchor=anchor, stroke_width=2, stroke_fill=255)
    picture.paste(BLACK, corner, shadow.filter(ImageFilter.GaussianBlur(1.6)))
    ImageDraw.Draw(picture).text(place, text, WHITE, font, anchor=anchor)


def round_length(most: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above ``most``."""
    power = 10.0 ** math.floor(math.log10(most))
    return max((k * power for k in (1, 2, 5) if k * power <= most * (1 + 1e-9)), default=power)


def draw_scale_bar(page: Image.Image, right: int, y: int, pixels_per_mm: float) -> None:
    """A line of a round length, its right end at ``right``, with its length beside it.

    Args:
        page: RGB; it is changed.
        right: x of the right end in pixels.
        y: in pixels.
        pixels_per_mm: of the picture beside it.
    """
    length = round_length(140 / pixels_per_mm)
    pen, left = ImageDraw.Draw(page), right - round(length * pixels_per_mm)
    pen.line((left, y, right, y), QUIET, 2)
    for x in (left, right):
        pen.line((x, y - 4, x, y + 4), QUIET, 1)
    pen.text((left - 8, y), f"{length:g} mm", QUIET, font_of(SMALL + 1), anchor="rm")
