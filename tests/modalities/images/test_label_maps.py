from __future__ import annotations

import numpy as np
import pytest
import torch

from maskrcnn.errors import UsageError
from maskrcnn.modalities.images.label_maps import label_maps
from maskrcnn.regions import Regions


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_the_higher_score_wins_where_objects_overlap(ndim: int) -> None:
    shape = (6,) * ndim
    low, high = np.zeros(shape, bool), np.zeros(shape, bool)
    low[(slice(0, 4),) * ndim] = True
    high[(slice(2, 6),) * ndim] = True
    regions = Regions.from_masks([low, high], shape)
    instances, classes = label_maps(regions, torch.tensor([7, 3]), torch.tensor([0.9, 0.4]))
    np.testing.assert_array_equal(instances, np.where(low, 1, np.where(high, 2, 0)))
    np.testing.assert_array_equal(classes, np.where(low, 7, np.where(high, 3, 0)))
    assert instances.dtype == classes.dtype == np.uint16


def test_nothing_and_too_much() -> None:
    instances, classes = label_maps(Regions.blank((4, 5)), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    assert not instances.any() and not classes.any() and instances.shape == (4, 5)
    with pytest.raises(UsageError, match="16-bit label map .* 70,000: keep fewer"):
        label_maps(Regions.blank((4, 5), 70_000), torch.ones(70_000, dtype=torch.int64), torch.ones(70_000))
