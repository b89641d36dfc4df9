"""Heat over pictures: colours in equal steps, maps relative to themselves, captions that stay in their place."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from maskrcnn.drawing.colours import from_oklab, to_oklab
from maskrcnn.drawing.heat import (
    HEAT_COLORS,
    PANEL,
    Panel,
    draw_panels,
    fit,
    heat_over,
    relative,
    window_around,
    wrap,
)

GREY = Image.new("RGB", (40, 30), (120, 120, 120))
NO_BOXES = np.zeros((0, 4))


def test_oklab_there_and_back():
    colors = np.random.default_rng(0).integers(0, 256, (50, 3))
    assert np.abs(from_oklab(to_oklab(colors)).astype(int) - colors).max() <= 1


def test_the_scale_rises_evenly_in_lightness():
    lightness = to_oklab(HEAT_COLORS)[:, 0]
    assert HEAT_COLORS.shape == (256, 3)
    smooth = lightness[::16]
    assert (np.diff(smooth) > 0.02).all() and (np.diff(smooth) < 0.06).all()


def test_no_heat_is_a_calm_grey_photo_and_more_heat_is_further_from_it():
    photo = Image.new("RGB", (3, 1), (200, 60, 60))
    pixels = np.asarray(heat_over(photo, np.array([[0.0, 0.5, 1.0]]))).astype(int)[0]
    assert np.ptp(pixels[0]) < 50 and pixels[0].max() < 120
    away = np.abs(pixels - pixels[0]).sum(1)
    assert away[0] < away[1] < away[2]


def test_a_map_is_relative_to_its_own_maximum():
    heat = relative(np.array([[-3.0, 0.0], [1.0, 4.0]]))
    assert heat.tolist() == [[0, 0], [0.25, 1]]
    assert relative(np.array([[np.nan, -1.0]])).tolist() == [[0, 0]]
    assert relative(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("box", [(0, 0, 10, 10), (190, 90, 200, 100), (0, 0, 200, 100), (99.6, 50, 100.2, 51)])
def test_the_window_holds_the_box_and_lies_in_the_picture(box):
    x1, y1, x2, y2 = window_around(box, (200, 100))
    assert 0 <= x1 <= box[0] and box[2] <= x2 <= 200
    assert 0 <= y1 <= box[1] and box[3] <= y2 <= 100
    assert x2 - x1 >= 48 and y2 - y1 >= 48


def test_panels_stand_side_by_side():
    panels = [Panel(GREY, ("all",), np.array([[2.0, 2, 20, 20]])), Panel(GREY, ("one",), NO_BOXES, np.eye(30, 40))]
    sheet = draw_panels(panels, ["What is seen."])
    assert sheet.mode == "RGB" and sheet.width > 2 * PANEL and sheet.height > PANEL
    assert draw_panels(panels * 2, ["What is seen."]).width > 4 * PANEL


def test_a_long_name_is_cut_and_a_long_sentence_wrapped():
    font = ImageFont.load_default(17)
    cut = fit("a very long name of a class " * 4, font, 200)
    assert cut.endswith("...") and font.getlength(cut) <= 200
    assert fit("cat", font, 200) == "cat"
    lines = wrap("one two three four five six seven eight nine ten " * 3, font, 200)
    assert len(lines) > 2 and all(font.getlength(line) <= 200 for line in lines)
    assert " ".join(lines).split() == ("one two three four five six seven eight nine ten " * 3).split()


def test_odd_shapes_are_drawn():
    thin = Image.new("RGB", (1, 900))
    sheet = draw_panels([Panel(thin, ("",), NO_BOXES, np.ones((900, 1)))], [])
    assert sheet.height > PANEL
