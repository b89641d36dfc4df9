"""Synthetic samples: labels that fit the picture, the same for the same seed."""

import pytest
import torch

from maskrcnn.data.synthetic import synthetic_samples

SHAPES = pytest.mark.parametrize("shape", [(64,), (32, 48), (16, 24, 20)])


@SHAPES
def test_labels_fit_the_picture(shape):
    for sample in synthetic_samples(len(shape), 5, shape, seed=1, num_classes=3):
        target = sample.target
        assert sample.image.shape == (3, *shape)
        assert 1 <= len(target) <= 3
        assert set(target.labels.tolist()) <= {1, 2, 3}
        assert torch.equal(target.boxes, torch.from_numpy(target.regions.boxes()))
        for i, label in enumerate(target.labels.tolist()):
            inside = sample.image[:, torch.from_numpy(target.regions.mask(i))]
            assert abs(inside.mean().item() - label * 2 / 3) < 0.3


@SHAPES
def test_the_seed_decides(shape):
    first, again, other = (synthetic_samples(len(shape), 2, shape, seed) for seed in (0, 0, 1))
    assert torch.equal(first[1].image, again[1].image)
    assert not torch.equal(first[1].image, other[1].image)


def test_a_shape_of_another_d_is_refused():
    with pytest.raises(ValueError, match="has not 3 sides"):
        synthetic_samples(3, 1, (8, 8))
