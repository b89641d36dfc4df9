"""What pictures with words around them share: margins, sizes of type, and the font."""

from __future__ import annotations

from PIL import ImageFont

MARGIN = 28  # pixels
TEXT_SIZE, TITLE_SIZE = 15, 22  # pixels of the fonts


def font_of(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
