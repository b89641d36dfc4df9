"""Classes of the samples of a file, read from coarse grids: against a twin that reads one sample after another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import naive
from cases import NDIMS, seeded
from maskrcnn.models import class_probabilities
from maskrcnn.models.class_probabilities import from_grid, in_place, joined
from maskrcnn.ops.nd import read_linear
from maskrcnn.regions import AxisMap

SHAPE, GRID, STRIDES = (9, 7, 6), (5, 4, 3), (2, 2, 2)


def look(ndim, seed=0, classes=3, first=0):
    logits = 3 * torch.randn(classes, *GRID[:ndim], generator=seeded(seed))
    return from_grid(logits, STRIDES[:ndim], SHAPE[:ndim], first)


def slowly(view, place):
    """The probabilities of a view at one sample of the file."""
    position = view.to_grid.points(torch.tensor([p + 0.5 for p in reversed(place)], dtype=torch.float64))
    return [naive.read_linear(own, position.flip(0).tolist()) for own in view.probabilities.double().numpy()]


@NDIMS
@settings(deadline=None)
@given(data=st.data())
def test_a_block_of_a_grid_is_read_as_the_twin_reads_it(ndim, data):
    grid = torch.randn(2, *GRID[:ndim], generator=seeded(), dtype=torch.float64)
    scale = data.draw(st.lists(st.sampled_from([-1.5, -0.5, 0.4, 1.0, 2.3]), min_size=ndim, max_size=ndim))
    shift = data.draw(st.lists(st.floats(-3, 6), min_size=ndim, max_size=ndim))
    low = data.draw(st.lists(st.integers(0, 3), min_size=ndim, max_size=ndim))
    high = [a + 3 for a in low]
    read = read_linear(grid, scale, shift, low, high)
    for place in itertools.product(range(3), repeat=ndim):
        position = [(p + a + 0.5) * f + t for p, a, f, t in zip(place, low, scale, shift)]
        for channel in range(2):
            expected = naive.read_linear(grid[channel].numpy(), position)
            assert read[(channel, *place)].item() == pytest.approx(expected, abs=1e-9)


@NDIMS
@pytest.mark.parametrize("block", [1 << 22, 16])
def test_labels_are_those_of_the_twin_in_blocks_of_any_size(ndim, block, monkeypatch):
    monkeypatch.setattr(class_probabilities, "BLOCK_VALUES", block)
    own = look(ndim, first=1)
    labels, values = own.labels(), own.as_bytes()
    assert labels.shape == SHAPE[:ndim] and labels.dtype == torch.int16 and values.dtype == np.uint8
    for place in np.ndindex(*SHAPE[:ndim]):
        said = slowly(own.views[0], place)
        assert said[int(labels[place]) - 1] == pytest.approx(max(said), abs=1e-3)
        assert np.abs(values[(slice(None), *place)] - said).max() <= 0.51


@NDIMS
def test_padding_is_not_read(ndim):
    """What lies beyond the input in the padded grid changes nothing."""
    logits = torch.randn(3, *(size + 2 for size in GRID[:ndim]), generator=seeded())
    other = logits.clone()
    inside = (slice(None), *(slice(0, size) for size in GRID[:ndim]))
    other += 9 * torch.randn(other.shape, generator=seeded(1))
    other[inside] = logits[inside]
    a, b = (from_grid(own, STRIDES[:ndim], SHAPE[:ndim], 0).as_bytes() for own in (logits, other))
    assert (a == b).all()


@NDIMS
def test_two_looks_have_their_mean(ndim):
    a, b = look(ndim), look(ndim, seed=1)
    expected = (a.as_bytes().astype(float) + b.as_bytes()) / 2
    assert np.abs(joined([a, b]).as_bytes() - expected).max() <= 1.01


@NDIMS
def test_a_mirrored_look_is_turned_back(ndim):
    own = look(ndim)
    width = float(SHAPE[:ndim][-1])
    across = AxisMap((-1.0, *(1.0,) * (ndim - 1)), (width, *(0.0,) * (ndim - 1)))
    turned = own.within(across, SHAPE[:ndim])
    assert (turned.labels() == own.labels().flip(-1)).all()


@NDIMS
def test_tiles_fade_into_each_other_as_the_twin_says(ndim):
    """The mean of what the tiles say, each weighted by the product of the distances to its borders."""
    whole = (SHAPE[0] + 5, *SHAPE[1:ndim])
    slices = [(slice(at, at + SHAPE[0]), *(slice(0, side) for side in SHAPE[1:ndim])) for at in (0, 5)]
    parts = [look(ndim, seed) for seed in (0, 1)]
    values = in_place(parts, slices, whole).as_bytes()
    for place in np.ndindex(*whole):
        total, weights = np.zeros(3), 0.0
        for part, where in zip(parts, slices):
            if all(axis.start <= p < axis.stop for p, axis in zip(place, where)):
                own = tuple(p - axis.start for p, axis in zip(place, where))
                weight = np.prod([min(p + 1 - a.start, a.stop - p) for p, a in zip(place, where)])
                total += weight * np.array(slowly(part.views[0], own))
                weights += weight
        assert np.abs(values[(slice(None), *place)] - total / weights).max() <= 0.51


@NDIMS
def test_channels_that_were_put_together_from_tiles_have_their_mean(ndim):
    """A long recording is cut into tiles, lead by lead: each tile still speaks of its own samples alone."""
    whole = (SHAPE[0] + 5, *SHAPE[1:ndim])
    tiles = [(slice(at, at + SHAPE[0]), *(slice(0, side) for side in SHAPE[1:ndim])) for at in (0, 5)]
    leads = [in_place([look(ndim, seed), look(ndim, seed + 1)], tiles, whole) for seed in (0, 2)]
    everything = tuple(slice(0, side) for side in whole)
    together = in_place(leads, [everything] * 2, whole).as_bytes()
    expected = sum(lead.as_bytes().astype(float) for lead in leads) / 2
    assert np.abs(together - expected).max() <= 1.01
