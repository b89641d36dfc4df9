"""Parts of an image that are hidden: of exactly the asked size, where they were asked for."""

import numpy as np
import pytest
import torch

from cases import NDIMS, SHAPES, seeded
from maskrcnn.explanation.occlusion import around, hide, hottest, random_block, random_cells


@NDIMS
def test_every_part_has_the_asked_number_of_samples(ndim):
    shape = SHAPES[ndim]
    heat = torch.rand(shape, generator=seeded())
    sides = [float(side) for side in shape[::-1]]
    for count in (0, 1, 7, heat.numel()):
        parts = [
            hottest(heat, count),
            hottest(torch.zeros(shape), count),
            around([side / 3 for side in sides], sides, shape, count),
            random_block(shape, count, seeded(count)),
            random_cells(shape, count, 3, seeded(count)),
        ]
        assert [int(part.sum()) for part in parts] == [count] * 5
        assert all(part.shape == shape and part.dtype == torch.bool for part in parts)


def test_the_hottest_samples_are_the_highest_and_ties_go_to_the_first():
    assert hottest(torch.tensor([[1.0, 5.0], [5.0, 2.0]]), 1).tolist() == [[False, True], [False, False]]
    assert hottest(torch.tensor([3.0, -1.0, 2.0]), 2).tolist() == [True, False, True]


def test_a_block_lies_about_its_place_in_the_given_proportions():
    rows, columns = np.nonzero(around([30.0, 20.0], [2.0, 1.0], (40, 60), 200).numpy())
    assert (rows.min() + rows.max() + 1) / 2 == pytest.approx(20, abs=1)
    assert (columns.min() + columns.max() + 1) / 2 == pytest.approx(30, abs=1)
    assert np.ptp(columns) == pytest.approx(2 * np.ptp(rows), abs=2)


def test_a_block_at_the_border_grows_inwards():
    part = around([0.0, 0.0], [1.0, 1.0], (40, 60), 100)
    assert part[:10, :10].all() and part.sum() == 100


def test_random_cells_are_whole_but_for_the_last():
    part = random_cells((16, 16), 5 * 16, 4, seeded())
    cells = part.reshape(4, 4, 4, 4).sum((1, 3))
    assert sorted(cells.flatten().tolist()) == [0] * 11 + [16] * 5


def test_what_is_hidden_has_the_given_colour_and_the_rest_is_as_it_was():
    image = torch.arange(12, dtype=torch.uint8).reshape(3, 2, 2)
    part = torch.tensor([[True, False], [False, False]])
    hidden = hide(image, part, (100.0, 101.0, 102.5))
    assert hidden[:, 0, 0].tolist() == [100.0, 101.0, 102.5]
    assert torch.equal(hidden[:, ~part], image.float()[:, ~part])
