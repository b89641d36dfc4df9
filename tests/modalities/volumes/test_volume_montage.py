from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from maskrcnn.drawing.colours import PALETTE
from maskrcnn.drawing.page import MARGIN
from maskrcnn.modalities.volumes.draw.montage import GAP, ROOM, draw_montage, positions
from maskrcnn.modalities.volumes.draw.objects import distinct_colors, full_boxes, objects_of
from maskrcnn.modalities.volumes.draw.outlines import Stroke, dashes, draw_object, smooth_outlines
from maskrcnn.modalities.volumes.draw.planes import plane_across, to_levels, value_windows
from maskrcnn.modalities.volumes.draw.projections import draw_projections
from maskrcnn.modalities.volumes.draw.sheet import FOOT, LEAST, LETTER_ROOM, PAGE, round_length
from maskrcnn.modalities.volumes.draw.slices import (
    FEW,
    LARGEST,
    MANY,
    areas_by_slice,
    choose_slices,
    first_slices,
    lay_grid,
    occupied,
)
from maskrcnn.modalities.volumes.volume import FileSpace, Turn, Volume
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

SPACING = (0.5, 1.0, 2.0)


def volume(samples: np.ndarray, spacing=None, lies: bool = False) -> Volume:
    affine = np.diag([*(spacing or (1.0, 1.0, 1.0)), 1.0]) if lies else None
    voxels = torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))
    return Volume(voxels, spacing, affine, FileSpace("npy", tuple(samples.shape[1:]), Turn.none(3)))


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def found(label_map: np.ndarray, labels: list[int] | None = None) -> Instances:
    regions = Regions.from_label_map(label_map)
    classes = [1] * len(regions) if labels is None else labels
    return Instances(torch.from_numpy(regions.boxes()), torch.tensor(classes, dtype=torch.int64), regions=regions)


def blocks(shape: tuple[int, int, int], boxes: list[tuple[slice, ...]]) -> np.ndarray:
    label_map = np.zeros(shape, dtype=np.int64)
    for number, box in enumerate(boxes, 1):
        label_map[box] = number
    return label_map


def two_blocks() -> np.ndarray:
    return blocks((24, 12, 16), [np.s_[3:9, 2:7, 3:9], np.s_[7:20, 2:7, 9:14]])


# Outlines


masks = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(0, 10_000)).map(
    lambda drawn: np.random.default_rng(drawn[2]).random(drawn[:2]) < 0.55
)


def slow_border(mask: np.ndarray) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Each side between a covered and an uncovered pixel."""
    padded = np.pad(mask, 1)
    sides = []
    for y in range(padded.shape[0] - 1):
        for x in range(padded.shape[1] - 1):
            if padded[y, x] != padded[y, x + 1]:
                sides.append(((x, y - 1), (x, y)))
            if padded[y, x] != padded[y + 1, x]:
                sides.append(((x - 1, y), (x, y)))
    return sides


def distance_to_sides(point: np.ndarray, sides) -> float:
    ends = np.array(sides, dtype=np.float64)
    along = ends[:, 1] - ends[:, 0]
    part = ((point - ends[:, 0]) * along).sum(axis=1).clip(0, 1)
    return float(np.linalg.norm(ends[:, 0] + part[:, None] * along - point, axis=1).min())


def slow_inside(point: tuple[float, float], outlines: list[np.ndarray]) -> bool:
    """Whether a ray to the right crosses the outlines an odd number of times."""
    crossings = 0
    for ring in outlines:
        for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0)):
            if (y1 > point[1]) != (y2 > point[1]):
                crossings += point[0] < x1 + (point[1] - y1) / (y2 - y1) * (x2 - x1)
    return crossings % 2 == 1


@settings(max_examples=60, deadline=None)
@given(masks)
def test_outlines_keep_to_the_border_and_enclose_the_middles_of_the_pixels(mask: np.ndarray) -> None:
    outlines = smooth_outlines(mask)
    sides = slow_border(mask)
    assert all(distance_to_sides(point, sides) <= 0.5 for ring in outlines for point in ring)
    for y, x in np.ndindex(*mask.shape):
        assert slow_inside((x + 0.5, y + 0.5), outlines) == mask[y, x]


def test_a_pixel_s_outline_is_round_and_moved_with_it() -> None:
    (ring,) = smooth_outlines(np.ones((1, 1), bool), (3, 5))
    away = np.abs(ring - (3.5, 5.5))
    np.testing.assert_allclose(np.sort(away, axis=1), np.tile([0.125, 0.375], (8, 1)))


@settings(max_examples=8, deadline=None)
@given(masks, st.sampled_from([(6, 6), (8, 5)]))
def test_lines_are_drawn_inside_the_border_and_nowhere_else(mask: np.ndarray, scale: tuple[int, int]) -> None:
    """On the canvas: tint where the mask is, the line within its width and half a voxel of the border."""
    size = (mask.shape[1] * scale[0], mask.shape[0] * scale[1])
    canvas = Image.new("RGB", size)
    draw_object(canvas, [ring * scale for ring in smooth_outlines(mask)], Stroke((250, 250, 250), 0.2, 1.5))
    red = np.asarray(canvas)[..., 0]
    sides = [tuple(tuple(np.multiply(end, scale)) for end in side) for side in slow_border(mask)]
    for y, x in np.ndindex(*red.shape):
        voxel = mask[y // scale[1], x // scale[0]]
        away = min((distance_to_box((x + 0.5, y + 0.5), side) for side in sides), default=np.inf)
        if red[y, x] > 60:
            assert away <= 1.5 + 0.5 * max(scale) + 1
        if away > 1.5 + 0.5 * max(scale) + 1:
            assert red[y, x] == (50 if voxel else 0)
    for y, x in np.argwhere(mask):
        middle = red[int((y + 0.5) * scale[1]), int((x + 0.5) * scale[0])]
        assert middle >= 40  # tint or line


def distance_to_box(point: tuple[float, float], side) -> float:
    """From a side along an axis, which is a flat box."""
    low, high = np.minimum(*side), np.maximum(*side)
    return float(np.linalg.norm(np.maximum(0, np.maximum(low - point, np.array(point) - high))))


def test_a_straight_border_has_its_line_right_inside() -> None:
    canvas = Image.new("RGB", (60, 60))
    mask = np.zeros((6, 6), bool)
    mask[1:5, 1:5] = True
    draw_object(canvas, [ring * 10 for ring in smooth_outlines(mask)], Stroke((200, 0, 0), 0.0, 2.0))
    row = np.asarray(canvas)[30, :, 0]
    assert np.flatnonzero(row > 100).tolist() == [10, 11, 48, 49]
    assert row[:9].max() == 0 and row[13:47].max() == 0


def test_dashes_are_equal_and_lie_on_the_outline() -> None:
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10.0]])
    parts = dashes(square, 3.0, 2.0)
    lengths = [np.linalg.norm(np.diff(part, axis=0), axis=1).sum() for part in parts]
    assert len(parts) == 8
    np.testing.assert_allclose(lengths, 3.0)
    assert all(min(x, y, 10 - x, 10 - y) < 1e-9 for part in parts for x, y in part)


# Slices and their grid


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_slices_are_spread_in_order_and_show_every_object_that_they_can(data: st.DataObject) -> None:
    depth = data.draw(st.integers(FEW + 1, 200))
    first, areas = [], []
    for _ in range(data.draw(st.integers(0, 30))):
        start = data.draw(st.integers(0, depth - 1))
        first.append(start)
        areas.append(np.ones(data.draw(st.integers(1, min(4, depth - start))), np.int64))
    count = data.draw(st.integers(1, MANY))
    chosen = choose_slices(first, areas, depth, count)
    low, high = occupied(first, areas, depth)
    assert chosen == sorted(set(chosen)) and len(chosen) == min(count, high - low)
    assert low <= chosen[0] and chosen[-1] < high
    shown = [any(z <= k < z + len(a) for k in chosen) for z, a in zip(first, areas)]
    even = {low + (2 * k + 1) * (high - low) // (2 * len(chosen)) for k in range(len(chosen))}
    if len(first) <= len(chosen):
        assert all(shown)
    if not first or all(any(z <= k < z + len(a) for k in even) for z, a in zip(first, areas)):
        assert set(chosen) == even
    evenly = sum(any(z <= k < z + len(a) for k in even) for z, a in zip(first, areas))
    assert sum(shown) >= evenly


def test_a_short_scan_is_shown_whole() -> None:
    label_map = blocks((FEW, 4, 4), [np.s_[5:6, :2, :2]])
    regions = Regions.from_label_map(label_map)
    assert choose_slices(first_slices(regions), areas_by_slice(regions), FEW, FEW) == list(range(FEW))


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.tuples(st.floats(0.2, 6), st.floats(0.2, 6)),
    st.integers(1, 300),
)
def test_grids_keep_proportions_and_fit(shape: tuple[int, int], spacing: tuple[float, float], slices: int) -> None:
    extent = (shape[0] * spacing[0], shape[1] * spacing[1])
    grid = lay_grid(extent, shape, slices, ROOM, GAP)
    assert grid.count == slices if slices <= MANY else FEW <= grid.count <= MANY
    assert grid.columns * (grid.rows - 1) < grid.count <= grid.columns * grid.rows
    assert grid.columns * (grid.cell + GAP) - GAP <= ROOM[0] and grid.rows * (grid.tile[1] + GAP) - GAP <= ROOM[1]
    assert max(grid.tile) <= LARGEST
    scales = [(side, side + 1) for side in grid.tile]  # both sides are rounded down, from one pixel on
    low = max(scales[0][0] / extent[1], scales[1][0] / extent[0]) if min(grid.tile) > 1 else 0
    assert low <= min(scales[0][1] / extent[1], scales[1][1] / extent[0]) + 1e-9


# Planes


def brightest_corner(picture: Image.Image) -> tuple[int, int]:
    y, x = np.unravel_index(np.argmax(np.asarray(picture)[..., 0]), picture.size[::-1])
    return int(x >= picture.width / 2), int(y >= picture.height / 2)


@pytest.mark.parametrize("lies, corner", [(True, (0, 0)), (False, (1, 1))])
def test_right_is_shown_at_the_left_and_front_above_where_the_scan_says_how_it_lies(lies: bool, corner) -> None:
    samples = np.zeros((1, 3, 6, 8))
    samples[:, :, 5, 7] = 1  # the most right, front and (of three slices all) corner
    scan = volume(samples, lies=lies)
    plane = plane_across(scan, 0)
    picture = plane.picture(to_levels(scan.samples[:, 1], np.array([[0, 1.0]])), (80, 60))
    assert brightest_corner(picture) == corner
    placed = plane.place(np.array([7.5, 5.5]), (80, 60)).tolist()
    assert placed == ([5.0, 5.0] if lies else [75.0, 55.0])
    assert plane.letters == (("R", "L", "A", "P") if lies else None)


def test_each_plane_has_its_sides() -> None:
    scan = volume(noise(1, 4, 6, 8), SPACING, lies=True)
    planes = [plane_across(scan, axis) for axis in range(3)]
    assert [plane.shape for plane in planes] == [(6, 8), (4, 8), (4, 6)]
    assert [plane.extent for plane in planes] == [(6.0, 4.0), (8.0, 4.0), (8.0, 6.0)]
    assert [plane.name for plane in planes] == ["axial", "coronal", "sagittal"]
    assert plane_across(volume(noise(1, 4, 6, 8), SPACING), 1).name == "along y"


def test_a_few_bright_voxels_do_not_darken_the_rest() -> None:
    samples = torch.linspace(0, 1, 10_000)
    samples[5000] = 1e6
    (low, high), *_ = value_windows(samples[None])
    assert low < 0.01 and 0.99 < high < 1.01
    alike = torch.zeros(1, 1000)
    alike[0, 500] = 3
    assert value_windows(alike).tolist() == [[0, 3]]
    assert (to_levels(torch.full((1, 4), 7.0), np.array([[7.0, 7.0]])) == 51).all()


def test_positions_are_millimetres_where_they_are_known() -> None:
    scan = volume(noise(1, 4, 2, 2), SPACING, lies=True)
    scan.affine[2, 3] = -3.5
    assert positions(scan, [0, 3]) == ["z -3.5 mm", "z 2.5 mm"]
    assert positions(volume(noise(1, 4, 2, 2), SPACING), [0, 3]) == ["z 0 mm", "z 6 mm"]
    assert positions(volume(noise(1, 4, 2, 2)), [0, 3]) == ["z 0", "z 3"]


# Objects


def test_boxes_that_touch_differ_in_colour() -> None:
    grid = np.array([[x, y, z, x + 5, y + 5, z + 5] for x in (0, 5, 10) for y in (0, 5, 10) for z in (0, 5)], float)
    colors = distinct_colors(grid)
    for i in range(len(grid)):
        for j in range(i):
            sides_shared = (np.abs(grid[i, :3] - grid[j, :3]) / 5).sum() == 1
            assert not sides_shared or colors[i] != colors[j]


def test_one_class_has_many_colours_and_many_classes_one_each() -> None:
    label_map = two_blocks()
    alone = objects_of(found(label_map), label_map.shape)
    assert len(set(alone.colors)) == 2 and alone.words(["cell"]) == ["1 cell", "2 cell"]
    assert [text for _, text in alone.legend(["cell"])] == ["cell  2"]
    mixed = objects_of(found(label_map, [2, 1]), label_map.shape)
    assert mixed.colors == [PALETTE[1], PALETTE[0]]
    assert mixed.legend(["a", "b"]) == [([PALETTE[0]], "a  1"), ([PALETTE[1]], "b  1")]


def test_objects_without_masks_are_their_boxes() -> None:
    boxes = np.array([[1, 0, 2, 4, 3, 5], [3.6, 1, 1, 9, 2.4, 2], [2, 2, 2, 2, 3, 3.0]])
    regions = full_boxes(boxes, (5, 4, 6))
    expected = [np.zeros((5, 4, 6), bool) for _ in boxes]
    expected[0][2:5, 0:3, 1:4] = True
    expected[1][1:2, 1:2, 4:6] = True
    for i, mask in enumerate(expected):
        np.testing.assert_array_equal(regions.mask(i), mask)


@pytest.mark.parametrize("most, length", [(140, 100), (99, 50), (0.3, 0.2), (1, 1)])
def test_scales_have_round_lengths(most: float, length: float) -> None:
    assert round_length(most) == pytest.approx(length)


# Pages


def test_pages_are_the_same_each_time_and_show_what_is_there() -> None:
    label_map = two_blocks()
    scan = volume(noise(1, *label_map.shape), SPACING, lies=True)
    arguments = (scan, found(label_map, [1, 2]), ["a", "b"])
    page = draw_montage(*arguments, truth=found(label_map), title="scan")
    assert page.tobytes() == draw_montage(*arguments, truth=found(label_map), title="scan").tobytes()
    assert page.tobytes() != draw_montage(*arguments, title="scan").tobytes()
    pixels = np.asarray(page).reshape(-1, 3)
    assert all((pixels == color).all(axis=1).sum() > 100 for color in PALETTE[:2])
    assert draw_projections(*arguments).tobytes() == draw_projections(*arguments).tobytes()


@pytest.mark.parametrize("lies", [True, False])
def test_objects_lie_on_the_page_where_their_masks_do(lies: bool) -> None:
    """From 1 to 5 of 10 voxels along x, 3 to 7 along y; counted from the other ends of a scan that lies."""
    label_map = blocks((1, 10, 10), [np.s_[:, 3:7, 1:5]])
    page = draw_montage(volume(np.zeros((1, 1, 10, 10)), (1.0, 1.0, 1.0), lies), found(label_map), ["a"])
    side = lay_grid((10.0, 10.0), (10, 10), 1, ROOM, GAP).tile[0]
    foot = MARGIN - 6 + FOOT + (LETTER_ROOM if lies else 0)
    left, top = (page.width - side) // 2, page.height - foot - side
    colored = np.argwhere((np.asarray(page) == PALETTE[0]).all(axis=2)) - (top, left)
    colored = colored[colored[:, 0] >= 0]  # below the legend
    low, high = colored.min(axis=0), colored.max(axis=0) + 1
    first = (3, 5) if lies else (3, 1)  # row, column
    np.testing.assert_allclose(low, np.multiply(first, side / 10), atol=1)
    np.testing.assert_allclose(high, np.add(first, 4) * side / 10, atol=1)


def test_flat_stacks_have_one_projection() -> None:
    one = draw_projections(volume(noise(1, 1, 40, 40)), found(blocks((1, 40, 40), [np.s_[:, 3:9, 3:9]])), ["a"])
    many = draw_projections(volume(noise(1, 40, 40, 40)), found(blocks((40, 40, 40), [np.s_[:, 3:9, 3:9]])), ["a"])
    assert one.width == LEAST < many.width


@settings(max_examples=8, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 26), st.integers(1, 12), st.integers(1, 12)),
    st.sampled_from([None, (1.0, 1.0, 1.0), (0.3, 0.3, 5.0), (4.0, 0.5, 0.5)]),
    st.booleans(),
    st.integers(0, 18),
    st.booleans(),
)
@example((1, 2, 2, 6), (4.0, 0.5, 0.5), False, 0, False)
@example((1, 1, 1, 400), None, True, 1, False)
@example((2, 30, 300, 1), (0.3, 0.3, 5.0), False, 0, False)
def test_any_volume_can_be_drawn(shape, spacing, lies: bool, count: int, flat: bool) -> None:
    rng = np.random.default_rng(count)
    sides = shape[1:]
    label_map = rng.integers(0, count + 1, size=sides)
    samples = np.zeros(shape) if flat else rng.normal(size=shape)
    objects = found(label_map)
    scan = volume(samples, spacing, lies)
    for page in (
        draw_montage(scan, objects, ["thing"], truth=objects[:1], title="t" * 300),
        draw_projections(scan, objects, ["thing"]),
    ):
        assert page.mode == "RGB" and LEAST <= page.width <= PAGE and page.height < 2000
