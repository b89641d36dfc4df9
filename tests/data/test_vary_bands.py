"""Another microphone, and hidden bands."""

import numpy as np
import torch

from maskrcnn.data.transforms.augment import AugmentConfig, vary_bands


def bands_of(seed):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(40, 30)).astype(np.float32))


def test_what_is_off_changes_and_draws_nothing():
    generator = np.random.default_rng(0)
    assert torch.equal(vary_bands(bands_of(1), AugmentConfig(), generator), bands_of(1))
    assert generator.random() == np.random.default_rng(0).random()


def test_a_microphone_is_one_curve_for_all_frames_within_its_gain():
    before = bands_of(2)
    change = vary_bands(before, AugmentConfig(gain=1.0), np.random.default_rng(3)) - before
    assert (change - change[:, :1]).abs().max() < 1e-5
    assert 0.1 < change.abs().max() <= 2 * np.log(2) + 1e-5
    assert change[:, 0].diff().abs().max() < 0.6  # neighbouring bands are heard alike


def test_at_most_two_stretches_of_bands_are_hidden_behind_the_mean():
    hidden = 0
    for seed in range(20):
        before = bands_of(seed)
        after = vary_bands(before, AugmentConfig(hidden_bands=8), np.random.default_rng(seed))
        changed = (after != before).any(1)
        assert changed.sum() <= 16
        assert torch.allclose(after[changed], before.mean().expand_as(after[changed]))
        assert torch.equal(before, bands_of(seed))
        hidden += int(changed.sum())
    assert hidden > 20
