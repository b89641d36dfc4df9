from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from maskrcnn.drawing.colours import PALETTE, WHITE, assign_colors, text_color, to_linear
from maskrcnn.drawing.overlay import _line_table, draw, to_rgb
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

NAMES = ["cat", "dog"]


def disk(center: tuple[int, int], radius: int, shape: tuple[int, int]) -> np.ndarray:
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - center[0]) ** 2 + (x - center[1]) ** 2 <= radius**2


def detections_of(masks: list[np.ndarray], shape: tuple[int, int]) -> Instances:
    regions, n = Regions.from_masks(masks, shape), len(masks)
    labels = torch.ones(n, dtype=torch.int64)
    return Instances(torch.from_numpy(regions.boxes()), labels, torch.linspace(0.9, 0.5, n), regions=regions)


def test_an_object_is_filled_outlined_and_nothing_else_is_touched() -> None:
    shape = (400, 500)
    found = detections_of([disk((200, 250), 80, shape)], shape)
    gray = np.full((*shape, 3), 128, np.uint8)
    color = (255, 0, 0)
    picture = np.asarray(draw(gray, found, NAMES, colors=[color], opacity=0.5, boxes=False, labels=False))
    np.testing.assert_allclose(picture[200, 250], [192, 64, 64], atol=2)
    edge = picture[200, 250 + 80 - 3 : 250 + 80 + 4]
    assert (np.abs(edge.astype(int) - color).sum(axis=1) < 30).any()
    assert (picture[200, 250 + 80 : 250 + 88].mean(axis=1) < 115).any()  # the dark rim around the line
    assert (picture[:100] == 128).all() and (picture[:, :150] == 128).all()


def test_the_image_is_left_as_it_was_and_labels_stay_inside() -> None:
    shape = (400, 500)
    masks = [disk(center, 30, shape) for center in ((5, 5), (395, 495), (200, 498))]
    image = torch.zeros((3, *shape), dtype=torch.uint8)
    picture = draw(image, detections_of(masks, shape), NAMES)
    assert picture.size == (500, 400) and picture.mode == "RGB"
    assert not image.any()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((40, 64), np.uint8),
        np.zeros((40, 64, 1), np.float32),
        np.zeros((40, 64, 4), np.uint8),
        torch.zeros(1, 40, 64),
        torch.zeros(2, 40, 64, dtype=torch.uint8),
        torch.zeros(12, 40, 64),
    ],
)
def test_any_channels_become_rgb_and_small_images_grow(image: np.ndarray | torch.Tensor) -> None:
    shape = (40, 64)
    assert to_rgb(image).size == (64, 40)
    assert draw(image, detections_of([disk((20, 20), 10, shape)], shape), NAMES).size == (512, 320)


def test_floats_are_0_to_255() -> None:
    np.testing.assert_array_equal(np.asarray(to_rgb(torch.full((1, 2, 2), 300.0))), 255)
    np.testing.assert_array_equal(np.asarray(to_rgb(torch.full((1, 2, 2), 100.5))), 100)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_bytes_are_shown_as_the_same_numbers_of_any_type(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (301, 7, channels), dtype=np.uint8)
    for image in (pixels, torch.from_numpy(pixels).movedim(-1, 0), pixels[::-1][::-1]):
        np.testing.assert_array_equal(np.asarray(to_rgb(image)), np.asarray(to_rgb(pixels.astype(np.float32))))


def test_what_is_drawn_on_is_a_copy() -> None:
    pixels = np.zeros((400, 500, 3), np.uint8)
    draw(pixels, detections_of([disk((200, 200), 90, (400, 500))], (400, 500)), NAMES)
    assert not pixels.any()


def test_nothing_found_is_the_image_itself() -> None:
    image = np.random.default_rng(0).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    nothing = Instances(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    np.testing.assert_array_equal(np.asarray(draw(image, nothing, NAMES)), image)


def test_boxes_alone_without_labels_or_scores() -> None:
    image = np.zeros((400, 500, 3), np.uint8)
    boxes = Instances(torch.tensor([[100.0, 100, 200, 300]]))
    picture = np.asarray(draw(image, boxes, [], colors=[(0, 255, 0)]))
    assert picture[200, 100, 1] > 150 and picture[200, 199, 1] > 150
    assert not picture[150:250, 110:190].any()


def test_empty_and_one_pixel_masks_are_drawn_without_a_fuss() -> None:
    shape = (400, 500)
    dot = np.zeros(shape, bool)
    dot[10, 10] = True
    found = detections_of([np.zeros(shape, bool), dot], shape)
    picture = np.asarray(draw(np.zeros((*shape, 3), np.uint8), found, NAMES, labels=False))
    assert picture[10, 10].any()


def test_a_line_is_as_wide_as_it_is_said_to_be() -> None:
    edge = Image.fromarray(np.repeat(np.array([[0] * 40 + [255] * 40], np.uint8), 9, axis=0))
    line = edge.filter(ImageFilter.GaussianBlur(2.0)).point(_line_table(2.0, 4.0, 1.0))
    assert np.asarray(line)[4].sum() / 255 == pytest.approx(4, abs=0.6)


def test_neighbours_differ_and_first_colours_stay() -> None:
    boxes = np.array([[x, y, x + 10, y + 10] for y in range(0, 60, 12) for x in range(0, 60, 12)], float)
    colors = assign_colors(boxes)
    assert assign_colors(boxes[:7]) == colors[:7]
    for i, j in zip(*np.triu_indices(25, 1)):
        if np.abs(boxes[i] - boxes[j]).max() <= 12:
            assert colors[i] != colors[j]


def test_text_can_be_read_on_every_colour() -> None:
    for color in (*PALETTE, (0, 0, 0), (255, 255, 255)):
        luminances = sorted(
            float(to_linear(np.array(c)) @ [0.2126, 0.7152, 0.0722]) for c in (color, text_color(color))
        )
        assert (luminances[1] + 0.05) / (luminances[0] + 0.05) >= 3
    assert text_color((0, 0, 0)) == WHITE


def test_hundreds_of_objects_in_a_large_image() -> None:
    shape = (1500, 2000)
    rng = np.random.default_rng(0)
    windows = [((int(y), int(x)), disk((10, 10), 10, (21, 21))) for y, x in rng.integers(0, 1470, (300, 2))]
    regions = Regions.from_windows(shape, windows)
    labels = torch.ones(300, dtype=torch.int64)
    found = Instances(torch.from_numpy(regions.boxes()), labels, torch.ones(300), regions=regions)
    assert draw(np.zeros((*shape, 3), np.uint8), found, NAMES).size == (2000, 1500)


def test_small_objects_of_a_large_picture_are_not_hidden_by_their_lines() -> None:
    shape = (3000, 3000)
    found = detections_of([disk((1500, 1500), 12, shape)], shape)
    gray = np.full((*shape, 3), 128, np.uint8)
    picture = np.asarray(draw(gray, found, NAMES, colors=[(255, 0, 0)], opacity=0.5, boxes=False, labels=False))
    np.testing.assert_allclose(picture[1500, 1500], [192, 64, 64], atol=2)  # only filled
    assert (picture[1480, 1480] == 128).all()


def test_in_a_crowd_masks_are_drawn_without_boxes() -> None:
    shape = (800, 1000)
    centers = [(y, x) for y in range(20, 780, 40) for x in range(20, 980, 40)]
    windows = [((y - 10, x - 10), disk((10, 10), 10, (21, 21))) for y, x in centers]
    for count, has_boxes in ((200, True), (201, False)):
        regions = Regions.from_windows(shape, windows[:count])
        found = Instances(torch.from_numpy(regions.boxes()), regions=regions)
        picture = np.asarray(draw(np.zeros((*shape, 3), np.uint8), found, NAMES))
        assert picture[10, 10].any() == has_boxes


def test_neighbours_in_a_crowd_differ() -> None:
    boxes = np.array([[x, y, x + 10, y + 10] for y in range(0, 360, 12) for x in range(0, 360, 12)], float)
    boxes = boxes[np.random.default_rng(0).permutation(len(boxes))]
    colors = assign_colors(boxes)
    assert len(boxes) == 900 and len(set(colors)) == len(PALETTE)
    index = [PALETTE.index(color) for color in colors]
    beside = [(i, j) for i in range(900) for j in np.flatnonzero(np.abs(boxes - boxes[i]).max(axis=1) <= 12) if i < j]
    assert np.mean([index[i] == index[j] for i, j in beside]) < 0.03  # 1 in 12 by chance
