"""Pasting (box to image) and cropping (image to box) against their twins; one undoes the other."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given

import naive
from cases import DTYPES, NDIMS, SHAPES, as_array, box_arrays, few, random_boxes, seeded
from maskrcnn.ops.masks import crop_mask, paste_mask

BINS = {1: (6,), 2: (4, 5), 3: (3, 4, 2)}


def random_mask(shape, dtype=torch.float64):
    return torch.rand(*shape, generator=seeded(), dtype=torch.float64).to(dtype)


def paste_fully(mask, box, spatial_shape):
    """The full-size image that the pasted window is part of."""
    offset, window = paste_mask(mask, box, spatial_shape)
    full = mask.new_zeros(spatial_shape)
    full[tuple(slice(start, start + n) for start, n in zip(offset, window.shape))] = window
    return full


@NDIMS
@DTYPES
def test_paste_is_that_of_the_twin(ndim, dtype):
    mask = random_mask(BINS[ndim], dtype)
    boxes = torch.cat(
        [
            random_boxes(5, SHAPES[ndim], dtype=dtype, largest=1.2),
            random_boxes(2, SHAPES[ndim], seed=1, dtype=dtype, smallest=0.01, largest=0.1),
        ]
    )
    for box in boxes:
        pasted = paste_fully(mask, box, SHAPES[ndim])
        twin = naive.paste_mask(as_array(mask), box.tolist(), SHAPES[ndim])
        torch.testing.assert_close(pasted, torch.from_numpy(twin).to(dtype), rtol=1e-4, atol=1e-5)


@few
@given(box_arrays(1, smallest=0.5))
def test_a_window_holds_just_the_samples_that_the_box_touches(boxes):
    """So it also stays inside the image."""
    ndim = boxes.shape[1] // 2
    shape = SHAPES[ndim]
    offset, window = paste_mask(torch.ones(BINS[ndim]), boxes[0], shape)
    touched = []
    for (low, high), size in zip(reversed(naive.sides(boxes[0].tolist())), shape):
        touched.append([k for k in range(size) if k + 1 > low and k < high])
    assert list(window.shape) == [len(samples) for samples in touched]
    assert all(samples == [] or start == samples[0] for start, samples in zip(offset, touched))


@NDIMS
@pytest.mark.parametrize("exact_torchvision", [False, True])
def test_the_window_of_a_box_fully_outside_is_empty(ndim, exact_torchvision):
    for place in (-40.0, 40.0):
        box = torch.tensor([place] * ndim + [place + 8.0] * ndim)
        _, window = paste_mask(random_mask(BINS[ndim]), box, SHAPES[ndim], exact_torchvision)
        assert window.shape == (0,) * ndim


@few
@given(box_arrays(1, smallest=0.5))
def test_a_window_exact_as_in_torchvision_stays_inside_the_image(boxes):
    ndim = boxes.shape[1] // 2
    offset, window = paste_mask(torch.ones(BINS[ndim]), boxes[0], SHAPES[ndim], exact_torchvision=True)
    assert all(start >= 0 for start in offset)
    assert all(start + n <= size for start, n, size in zip(offset, window.shape, SHAPES[ndim]) if n)


@NDIMS
def test_a_full_mask_covers_the_samples_whose_centre_lies_in_the_box(ndim):
    """With the usual threshold of one half."""
    box = random_boxes(1, SHAPES[ndim], smallest=0.5)[0]
    pasted = paste_fully(torch.ones(BINS[ndim]), box, SHAPES[ndim])
    for index in np.ndindex(*SHAPES[ndim]):
        inside = all(low < k + 0.5 < high for k, (low, high) in zip(index, reversed(naive.sides(box.tolist()))))
        # at a corner of the box the mask falls to 1/2 along each axis, hence the margin
        along = [
            min((k + 0.5 - low), (high - k - 0.5)) for k, (low, high) in zip(index, reversed(naive.sides(box.tolist())))
        ]
        deep = all(
            d > (high - low) / bins / 2
            for d, (low, high), bins in zip(along, reversed(naive.sides(box.tolist())), BINS[ndim])
        )
        if deep:
            assert pasted[index] == pytest.approx(1)
        if not inside:
            assert pasted[index] < 0.5


@NDIMS
def test_a_window_is_cropped_as_the_dense_mask_is(ndim):
    """Coordinates are multiples of 1/4, so that both count the same number of samples in a bin."""
    dense = random_mask(SHAPES[ndim]) > 0.4
    offset = tuple(range(1, 1 + ndim))
    inner = tuple(slice(start, start + 4) for start in offset)
    window = torch.zeros_like(dense)
    window[inner] = dense[inner]
    framed = window[tuple(slice(start - 1, start + 5) for start in offset)].double()
    boxes = (random_boxes(6, SHAPES[ndim], dtype=torch.float64) * 4).round() / 4
    shift = torch.tensor([start - 1 for start in offset[::-1]] * 2)
    output_size = (4, 2, 4)[:ndim]
    for box in boxes:
        cropped = crop_mask(framed, box - shift, output_size)
        twin = naive.crop_mask(window.numpy(), box.tolist(), output_size)
        torch.testing.assert_close(cropped, torch.from_numpy(twin), rtol=1e-5, atol=1e-6)


@NDIMS
@pytest.mark.parametrize("aligned", [False, True], ids=["unaligned", "aligned"])
def test_a_dense_mask_is_cropped_as_the_twin_does(ndim, aligned):
    mask = (random_mask(SHAPES[ndim]) > 0.5).float()
    for box in random_boxes(6, SHAPES[ndim], largest=1.2):
        cropped = crop_mask(mask, box, BINS[ndim], aligned)
        twin = naive.crop_mask(mask.numpy(), box.tolist(), BINS[ndim], aligned)
        torch.testing.assert_close(cropped, torch.from_numpy(twin).float(), rtol=1e-4, atol=1e-5)


@NDIMS
@pytest.mark.parametrize("aligned", [False, True], ids=["unaligned", "aligned"])
def test_a_mirrored_mask_is_cropped_through_the_mirrored_box(ndim, aligned):
    mask = (random_mask(SHAPES[ndim]) > 0.5).float()
    for box in (random_boxes(4, SHAPES[ndim]) * 4).round() / 4:
        mirrored = box.clone()
        mirrored[[0, ndim]] = SHAPES[ndim][-1] - box[[0, ndim]]
        straight = crop_mask(mask.flip(-1), box, (4,) * ndim, aligned)
        torch.testing.assert_close(crop_mask(mask, mirrored, (4,) * ndim, aligned), straight)


@NDIMS
def test_a_box_fully_outside_covers_nothing(ndim):
    box = torch.tensor([60.0] * ndim + [70.0] * ndim)
    assert not crop_mask(torch.ones(SHAPES[ndim]), box, BINS[ndim]).any()


@NDIMS
def test_an_empty_box_covers_nothing(ndim):
    assert not crop_mask(torch.ones(SHAPES[ndim]), torch.full((2 * ndim,), 3.0), BINS[ndim]).any()


@NDIMS
def test_a_mask_pasted_one_sample_a_bin_is_cropped_unchanged(ndim):
    mask = random_mask(BINS[ndim])
    low = [1.0, 2.0, 3.0][:ndim]
    box = torch.tensor(low + [start + bins for start, bins in zip(low, reversed(BINS[ndim]))])
    pasted = paste_fully(mask, box, SHAPES[ndim])
    assert pasted.sum() == pytest.approx(mask.sum().item())
    torch.testing.assert_close(crop_mask(pasted, box, BINS[ndim]), mask)


@NDIMS
def test_a_ramp_pasted_at_any_size_is_cropped_unchanged_inside(ndim):
    """Linear in, linear out; only the outermost bins see the zeros beyond the mask."""
    bins = (6,) * ndim
    axes = torch.meshgrid(*[torch.arange(6, dtype=torch.float64) / 6] * ndim, indexing="ij")
    mask = sum(axes) / ndim
    box = torch.tensor([2.0] * ndim + [2.0 + 12] * ndim)
    cropped = crop_mask(paste_fully(mask, box, (16,) * ndim), box, bins)
    inner = (slice(1, -1),) * ndim
    torch.testing.assert_close(cropped[inner], mask[inner], rtol=1e-6, atol=1e-6)
    assert math.isfinite(cropped.sum())
