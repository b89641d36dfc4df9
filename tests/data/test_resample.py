from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from maskrcnn.data.transforms import resample as module
from maskrcnn.data.transforms.resample import BETA, ROLLOFF, ZERO_CROSSINGS, resample

RATES = [(360, 250), (500, 250), (250, 500), (257, 250), (128, 250), (1000, 250), (250, 250.5), (44100, 16000)]


def slow_resample(samples, old, new):
    """Every new sample as a sum over all old ones, the ends repeated."""
    cutoff = ROLLOFF * min(1.0, new / old)
    reach = math.ceil(ZERO_CROSSINGS / cutoff)
    result = []
    for k in range(round(len(samples) * new / old)):
        position = (k + 0.5) * old / new - 0.5
        first = math.floor(position) - reach + 1
        total = weight = 0.0
        for n in range(first, first + 2 * reach):
            distance = n - position
            inside = max(0.0, 1 - (distance / reach) ** 2)
            w = np.sinc(cutoff * distance) * np.i0(BETA * math.sqrt(inside)) * (abs(distance) <= reach)
            total += w * samples[min(max(n, 0), len(samples) - 1)]
            weight += w
        result.append(total / weight)
    return np.array(result)


@pytest.mark.parametrize("old, new", RATES[:6])
def test_it_is_the_slow_way(old, new):
    samples = np.random.default_rng(0).standard_normal(101)
    found = resample(torch.tensor(samples)[None], old, new)
    assert found.dtype == torch.float32 and found.shape == (1, round(101 * new / old))
    np.testing.assert_allclose(found[0].numpy(), slow_resample(samples, old, new), atol=1e-4)


@pytest.mark.parametrize("old, new", [(25, 36), (36, 25), (257, 250), (7, 1)])
@pytest.mark.parametrize("length", [2, 150, 1009])
def test_filters_one_by_one_are_those_that_many_samples_share(old, new, length):
    samples, count = (
        torch.randn(2, length, generator=torch.Generator().manual_seed(0)),
        max(1, round(length * new / old)),
    )
    shared = module._by_phases(samples, old, new, count)
    torch.testing.assert_close(module._by_blocks(samples, old / new, count), shared, rtol=0, atol=1e-5)


@pytest.mark.parametrize("old, new", RATES)
def test_a_sine_stays_where_it_is(old, new):
    length, frequency = int(4 * old) if old < 2000 else 4000, 0.3 * min(old, new)
    sine = lambda count, rate: np.sin(2 * np.pi * frequency * (np.arange(count) + 0.5) / rate)  # noqa: E731
    found = resample(torch.tensor(sine(length, old))[None], old, new)[0].numpy()
    assert len(found) == round(length * new / old)
    rim = 100
    np.testing.assert_allclose(found[rim:-rim], sine(len(found), new)[rim:-rim], atol=1e-3)


def test_what_the_new_rate_cannot_hold_is_gone():
    time = (np.arange(4000) + 0.5) / 1000
    found = resample(torch.tensor(np.sin(2 * np.pi * 180 * time))[None], 1000, 250)
    assert found[0, 100:-100].abs().max() < 1e-3


def test_constants_channels_and_short_signals():
    for length in (1, 2, 5, 100):
        found = resample(torch.full((3, length), 2.5), 360, 250)
        assert found.shape == (3, max(1, round(length * 250 / 360)))
        torch.testing.assert_close(found, torch.full_like(found, 2.5))
    torch.testing.assert_close(resample(torch.arange(5.0)[None], 250, 250), torch.arange(5.0)[None])
    assert resample(torch.zeros(2, 0), 360, 250).shape == (2, 0)
    with pytest.raises(ValueError, match="two positive rates"):
        resample(torch.zeros(1, 3), 0, 250)
