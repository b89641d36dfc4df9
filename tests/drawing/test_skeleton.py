from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from maskrcnn.drawing.colours import Color
from maskrcnn.drawing.overlay import draw
from maskrcnn.drawing.skeleton import LEFT, MIDDLE, RIGHT, draw_skeleton, limb_color, paint_line, point_colors
from maskrcnn.structures import Instances

NAMES = ("nose", "left_hand", "right_hand")


def canvas(width: int = 400, height: int = 400) -> Image.Image:
    return Image.new("RGB", (width, height), (90, 90, 90))


def drawn(points: list[list[float]], limbs: list[tuple[int, int]], **options) -> np.ndarray:
    picture = canvas()
    draw_skeleton(picture, np.array(points), (200, 200), limbs, NAMES[: len(points)], **options)
    return np.asarray(picture).astype(int)


def is_color(pixels: np.ndarray, color: Color) -> np.ndarray:
    return np.abs(pixels - np.array(color)).max(axis=-1) < 12


def changed(pixels: np.ndarray) -> np.ndarray:
    return (pixels != 90).any(-1)


def test_points_and_limbs_lie_where_they_should_in_the_colour_of_their_side() -> None:
    picture = drawn([[200, 50, 1], [300, 200, 1], [100, 200, 1]], [(0, 1), (0, 2), (1, 2)])
    assert is_color(picture[125, 248:252], LEFT).any()
    assert is_color(picture[125, 148:152], RIGHT).any()
    assert is_color(picture[198:202, 200], MIDDLE).any()
    for (x, y), color in (((200, 50), MIDDLE), ((300, 200), LEFT), ((100, 200), RIGHT)):
        assert is_color(picture[y, x], color)
    assert not changed(picture[:40]).any() and not changed(picture[300:]).any()


def test_what_is_unsure_is_left_out_with_its_limbs() -> None:
    picture = drawn([[200, 50, 0.9], [300, 200, 0.2], [100, 200, 0.9]], [(0, 1), (0, 2), (1, 2)])
    assert not changed(picture[:, 215:]).any()
    assert is_color(picture[125, 148:152], RIGHT).any()
    assert changed(drawn([[200, 50, 0.9], [300, 200, 0.2], [100, 200, 0.9]], [(0, 1)], threshold=0.1)[:, 215:]).any()


def test_without_a_skeleton_there_are_points_alone() -> None:
    picture = drawn([[200, 50, 1], [300, 200, 1], [100, 200, 1]], [])
    assert not changed(picture[100:150]).any() and is_color(picture[50, 200], MIDDLE)


def test_lines_grow_with_the_object_and_points_that_are_close_shrink() -> None:
    def area(extent: tuple[int, int], gap: int) -> int:
        picture = canvas()
        points = np.array([[200.0, 200, 1], [200.0 + gap, 200, 1]])
        draw_skeleton(picture, points, extent)
        return int(changed(np.asarray(picture)).sum())

    assert area((20, 20), 100) < area((100, 100), 100) < area((390, 390), 100)
    assert area((390, 390), 6) < area((390, 390), 100) / 2


def test_limbs_of_unknown_points_and_points_outside_the_picture_do_no_harm() -> None:
    picture = drawn([[-500, -500, 1], [380, 390, 1], [900, 410, 1]], [(0, 1), (1, 2), (1, 7)])
    assert changed(picture[380:]).any()


def test_a_line_is_smooth_and_as_wide_as_it_was_asked_to_be() -> None:
    for width in (0.5, 1.0, 3.0, 7.5):
        picture = Image.new("RGB", (101, 101))
        paint_line(picture, np.array([-10.0, 50.0]), np.array([111.0, 50.0]), width, (255, 255, 255))
        column = np.asarray(picture)[:, 50, 0] / 255
        assert column.sum() == pytest.approx(width, abs=0.5 if width < 1 else 0.02)
    disc = Image.new("RGB", (101, 101))
    paint_line(disc, np.array([50.3, 49.6]), np.array([50.3, 49.6]), 40, (255, 255, 255))
    cover = np.asarray(disc)[..., 0] / 255
    assert cover.sum() == pytest.approx(np.pi * 20**2, rel=0.01)
    centre = [(cover * grid).sum() / cover.sum() + 0.5 for grid in np.indices(cover.shape)]
    assert centre == pytest.approx([49.6, 50.3], abs=0.02)


def test_colours_of_points_and_limbs() -> None:
    assert point_colors(NAMES, 3) == [MIDDLE, LEFT, RIGHT]
    assert point_colors((), 3) == [MIDDLE] * 3
    assert limb_color(LEFT, LEFT) == LEFT
    assert limb_color(MIDDLE, RIGHT) == limb_color(RIGHT, MIDDLE) == RIGHT
    assert limb_color(LEFT, RIGHT) == MIDDLE


def test_draw_shows_the_points_of_detections_and_enlarges_them_with_small_images() -> None:
    found = Instances(torch.tensor([[20.0, 20, 80, 80]]), torch.tensor([1]), torch.tensor([0.9]))
    found.keypoints = torch.tensor([[[30.0, 50, 1], [70, 50, 1], [50, 30, 0.0]]])
    gray = np.full((100, 100, 3), 90, np.uint8)
    names = ("left_a", "left_b", "left_c")
    picture = draw(gray, found, ["cat"], boxes=False, labels=False, skeleton=[(0, 1)], keypoint_names=names)
    scale = picture.width // 100
    pixels = np.asarray(picture).astype(int)
    assert scale > 1
    assert is_color(pixels[50 * scale, 30 * scale], LEFT) and is_color(pixels[50 * scale, 50 * scale], LEFT)
    assert not is_color(pixels[30 * scale, 50 * scale], LEFT)
