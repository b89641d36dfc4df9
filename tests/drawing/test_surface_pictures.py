"""Surfaces over pictures: parts in colours with lines, textures tile by tile, the form of three channels."""

import io

import numpy as np
import pytest
from PIL import Image

from maskrcnn.drawing.surface.parts import draw_surface, part_colour, read_texture_at, tile_side
from maskrcnn.surfaces.iuv import iuv_of_file, iuv_of_object, iuv_png
from maskrcnn.surfaces.maps import SurfaceMaps


def found():
    """Two objects whose windows overlap; the first is the better one."""
    parts = (np.full((4, 6), 3, np.uint16), np.full((5, 5), 7, np.uint16))
    parts[0][0] = 0
    u, v = np.linspace(-0.1, 1.1, 6), np.linspace(1, 0, 4)
    uv = (np.stack(np.broadcast_arrays(u[None], v[:, None])).astype(np.float32), np.full((2, 5, 5), 0.4, np.float32))
    uv[0][:, 0] = 0
    return SurfaceMaps("four", np.array([[2, 3], [4, 7]]), parts, uv)


def test_channels_are_part_u_and_v():
    values = iuv_of_object(found(), 0)
    assert values.shape == (4, 6, 3) and not values[0].any()
    assert values[1:, :, 0].tolist() == [[3] * 6] * 3
    assert values[1, 0].tolist() == [3, 0, 170] and values[3, 5].tolist() == [3, 255, 0]


def test_where_objects_overlap_the_better_one_is_seen():
    whole = iuv_of_file(found(), (12, 14))
    assert whole[5, 8, 0] == 3 and whole[7, 8, 0] == 7 and whole[4, 10, 0] == 7 and whole[0, 0, 0] == 0
    assert whole[2, 3:9].any() == np.False_  # the window's first row is no part of the object


def test_the_file_says_which_surface_is_meant():
    with Image.open(io.BytesIO(iuv_png(iuv_of_object(found(), 0), "four"))) as picture:
        assert picture.text["surface"] == "four"
        assert np.array_equal(np.asarray(picture), iuv_of_object(found(), 0))


def test_colours_and_lines_are_drawn_on_the_objects_alone():
    image = np.full((12, 14, 3), 90, np.uint8)
    drawn = draw_surface(image, found())
    outside = iuv_of_file(found(), (12, 14))[..., 0] == 0
    assert (drawn[outside] == 90).all()
    plain = drawn[8, 11].astype(int)  # in the second object u and v are the same everywhere: no lines
    assert plain.tolist() == [round(0.4 * 90 + 0.6 * colour) for colour in part_colour(7)]
    lines = drawn[3:6, 3:9].reshape(-1, 3).astype(int)
    assert len(np.unique(lines, axis=0)) > 1


def test_parts_are_told_apart():
    assert len({part_colour(part) for part in range(1, 25)}) == 24


def atlas(side=5, columns=4):
    """Each tile has its own red; green grows to the right and blue downwards."""
    texture = np.zeros((6 * side, columns * side, 4), np.uint8)
    for part in range(6 * columns):
        tile = texture[part % 6 * side :, part // 6 * side :][:side, :side]
        tile[..., 0], tile[..., 3] = part + 1, 255
        tile[..., 1], tile[..., 2] = np.arange(side)[None], np.arange(side)[:, None]
    return texture


def test_a_texture_is_read_tile_by_tile():
    parts = np.arange(1, 25)
    for (u, v), expected in {(0, 0): (0, 4), (1, 1): (4, 0), (0.5, 0.25): (2, 3), (-1, 2): (0, 0)}.items():
        uv = np.stack([np.full(24, u, np.float32), np.full(24, v, np.float32)])
        colours = read_texture_at(atlas(), parts, uv)
        assert colours[:, 0].tolist() == parts.tolist()
        assert {tuple(own) for own in colours[:, 1:3].tolist()} == {expected}


def test_a_texture_covers_what_it_is_opaque_on():
    texture = atlas()
    texture[..., :3], texture[..., 3] = 200, 255
    texture[:, :5, 3] = 0  # parts 1 to 6 are seen through
    drawn = draw_surface(np.full((12, 14, 3), 90, np.uint8), found(), texture)
    assert (drawn[4, 4] == 90).all() and (drawn[8, 11] == 200).all()


@pytest.mark.parametrize(
    ("shape", "parts", "side"),
    [((1200, 800), 24, 200), ((12, 8), 24, 2), ((12, 2), 5, 2), ((800, 1200), 24, None), ((4, 3), 24, None)],
)
def test_a_texture_has_square_tiles(shape, parts, side):
    assert tile_side(np.zeros(shape), parts) == side
