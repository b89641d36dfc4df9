from __future__ import annotations

import numpy as np

from maskrcnn.drawing.chips import MIN_FONT, chip_font, chip_size, place_chips

SIZE = (600, 400)


def overlap(a: tuple[int, int], b: tuple[int, int], size: tuple[int, int]) -> int:
    sides = [max(0, extent - abs(p - q)) for p, q, extent in zip(a, b, size)]
    return sides[0] * sides[1]


def test_a_chip_stands_above_its_box() -> None:
    assert place_chips(np.array([[100.0, 100, 200, 300]]), [(80, 20)], SIZE) == [(100, 80)]


def test_chips_stay_inside_the_picture() -> None:
    boxes = np.array([[-5.0, -5, 30, 30], [590, 390, 600, 400], [0, 0, 600, 400], [580, 0, 620, 10]])
    for place in place_chips(boxes, [(80, 20)] * 4, SIZE):
        assert place is not None
        assert 0 <= place[0] <= 600 - 80 and 0 <= place[1] <= 400 - 20


def test_chips_of_neighbours_do_not_cover_one_another() -> None:
    boxes = np.array([[100.0 + 10 * k, 100 + 5 * k, 220 + 10 * k, 300 + 5 * k] for k in range(5)])
    places = place_chips(boxes, [(80, 20)] * 5, SIZE)
    assert None not in places
    for i in range(5):
        for j in range(i):
            assert overlap(places[i], places[j], (80, 20)) < 0.2 * 80 * 20


def test_a_small_box_is_not_hidden_by_its_own_label_or_another() -> None:
    boxes = np.array([[300.0, 200, 312, 212], [300, 182, 312, 194]])
    for (x, y), (width, height) in zip(place_chips(boxes, [(80, 16)] * 2, SIZE), [(80, 16)] * 2):
        for x1, y1, x2, y2 in boxes:
            assert x >= x2 or x + width <= x1 or y >= y2 or y + height <= y1


def test_too_many_labels_leave_only_those_of_large_boxes() -> None:
    small = [[x, y, x + 10, y + 10] for x in range(0, 600, 20) for y in range(0, 400, 20)]
    boxes = np.array([[50.0, 50, 300, 300], *small])
    places = place_chips(boxes, [(60, 14)] * len(boxes), SIZE)
    assert places[0] is not None and not any(places[1:])


def test_the_font_grows_with_the_picture_and_shrinks_with_the_crowd() -> None:
    few, many = ["person 0.97"] * 3, ["person 0.97"] * 40
    assert chip_font(few, (4000, 3000)).size > chip_font(few, SIZE).size > MIN_FONT
    assert chip_font(many, SIZE).size == MIN_FONT
    assert chip_font([], SIZE).size > MIN_FONT
    assert chip_size("person 0.97", chip_font(few, SIZE))[0] < 120
