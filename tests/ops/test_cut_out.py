"""Cutting boxes out of images against the naive RoIAlign, and the cubes round boxes."""

import functools

import hypothesis
import numpy as np
import pytest
import torch

import naive
from cases import NDIMS, SHAPES, as_array, box_arrays, few, random_boxes, seeded
from maskrcnn.ops.cut_out import SAMPLES, cube_around, cut_out, cut_out_finely


@NDIMS
def test_a_cut_is_roi_align_at_stride_1(ndim):
    """Of two images, with boxes that reach outside, and other numbers of bins along each axis."""
    shape, bins = SHAPES[ndim], (5, 4, 3)[:ndim]
    images = torch.randn(2, 3, *shape, generator=seeded(), dtype=torch.float64)
    boxes = [random_boxes(3, shape, 1, torch.float64), random_boxes(2, shape, 2, torch.float64)]
    expected = [
        naive.roi_align(image, box, (1,) * ndim, bins, SAMPLES, True)
        for image, own in zip(as_array(images), boxes)
        for box in own.tolist()
    ]
    np.testing.assert_allclose(as_array(cut_out(images, boxes, bins)), np.stack(expected), atol=1e-9)


@pytest.mark.parametrize("counts", [(0, 0), (0, 2), (1, 0)])
def test_images_without_boxes_give_no_cuts(counts):
    boxes = [random_boxes(count, (9, 8)) for count in counts]
    assert cut_out(torch.zeros(2, 3, 9, 8), boxes, (4, 4)).shape == (sum(counts), 3, 4, 4)


def test_what_lies_outside_the_image_is_0():
    cut = cut_out(torch.ones(1, 1, 8, 8), [torch.tensor([[-8.0, 0.0, 8.0, 8.0]])], (4, 4))
    np.testing.assert_allclose(cut[0, 0, :, 0], 0)
    np.testing.assert_allclose(cut[0, 0, :, 2:], 1)


def test_in_autocast_too():
    """The images come in single precision, and products in half of it."""
    with torch.autocast("cpu", torch.bfloat16):
        cut = cut_out(torch.ones(1, 3, 9, 8), [torch.tensor([[1.0, 1.0, 6.0, 6.0]])], (4, 4))
    np.testing.assert_allclose(cut.float(), 1, atol=0.02)


@few
@hypothesis.given(box_arrays(3, smallest=0.5))
def test_a_cube_has_the_centre_of_its_box_and_one_length(boxes):
    ndim = boxes.shape[1] // 2
    cubes = cube_around(boxes, 1.5)
    torch.testing.assert_close(cubes[:, :ndim] + cubes[:, ndim:], boxes[:, :ndim] + boxes[:, ndim:])
    longest = (boxes[:, ndim:] - boxes[:, :ndim]).amax(1)
    torch.testing.assert_close(cubes[:, ndim:] - cubes[:, :ndim], (1.5 * longest)[:, None].expand(-1, ndim))


@NDIMS
def test_fine_cuts_of_an_image_are_those_of_what_it_shows(ndim):
    """Of an image in which nothing is finer than its bins, whole or averaged first: smooth waves."""
    shape = tuple((16, 16, 8)[ndim - 1] * size for size in SHAPES[ndim])
    waves = [torch.cos(torch.arange(size) / size * 4) for size in shape]
    image = functools.reduce(lambda a, b: a[..., None] + b, waves)[None] * 20 + 100
    boxes = torch.cat(
        [random_boxes(4, shape, largest=1.2), random_boxes(2, shape, seed=1, smallest=0.01, largest=0.05)]
    )
    bins = (5, 6, 4)[:ndim]
    fine = cut_out_finely(image.to(torch.uint8), boxes, bins, (100.0,), (20.0,))
    whole = cut_out((image[None] - 100) / 20, [boxes], bins)
    assert fine.shape == whole.shape
    low, high = boxes.chunk(2, 1)
    inside = ((low > 0) & (high < boxes.new_tensor(tuple(reversed(shape))))).all(1)
    assert inside.sum() >= 2
    torch.testing.assert_close(fine[inside], whole[inside], rtol=0, atol=0.1)
    assert (fine - whole).abs().median() < 0.05  # but for bins that the border of the image divides


@NDIMS
def test_fine_cuts_outside_of_the_image_are_empty(ndim):
    image = torch.full((2, *SHAPES[ndim]), 7)
    far = torch.tensor([[-50.0] * ndim + [-40.0] * ndim])
    assert not cut_out_finely(image, far, (3,) * ndim, (0.0, 0.0), (1.0, 1.0)).any()
    assert cut_out_finely(image, far[:0], (3,) * ndim, (0.0, 0.0), (1.0, 1.0)).shape == (0, 2, *(3,) * ndim)
