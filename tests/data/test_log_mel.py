from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from maskrcnn.data.transforms import log_mel as log_mel_module
from maskrcnn.data.transforms.log_mel import FLOOR, log_mel


def slow_log_mel(wave, rate, bands, hop, window, lowest, highest):
    """Column by column, frequency by frequency, band by band."""
    width = round(window * rate)
    size = 2 ** math.ceil(math.log2(width))
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * n / (width - 1)) for n in range(width)]
    mel = lambda f: 2595 * math.log10(1 + f / 700)  # noqa: E731
    hertz = lambda m: 700 * (10 ** (m / 2595) - 1)  # noqa: E731
    low, high = mel(lowest), mel(highest)
    corners = [hertz(low + (high - low) * k / (bands + 1)) for k in range(bands + 2)]
    columns = []
    for k in range(math.ceil(len(wave) / (hop * rate))):
        start = math.floor((k + 0.5) * hop * rate - width / 2 + 0.5)
        frame = [wave[start + n] * hann[n] if 0 <= start + n < len(wave) else 0.0 for n in range(width)]
        power = np.abs(np.fft.fft(frame, size)[: size // 2 + 1]) ** 2 / sum(h * h for h in hann)
        column = []
        for band in range(bands):
            left, middle, right = corners[band : band + 3]
            left, right = min(left, middle - rate / size), max(right, middle + rate / size)
            weights = [max(0.0, min((f - left) / (middle - left), (right - f) / (right - middle)))
                       for f in (j * rate / size for j in range(size // 2 + 1))]  # fmt: skip
            column.append(math.log(float(np.dot(weights, power)) / sum(weights) + FLOOR))
        columns.append(column)
    return np.array(columns).T


SOUNDS = [(8000, 2000, 0.01), (8000, 1999, 0.01), (8000, 81, 0.01), (11025, 1500, 0.008)]


@pytest.mark.parametrize("rate, length, hop", SOUNDS)
def test_it_is_the_slow_way(rate, length, hop):
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, length)
    fast = log_mel(torch.tensor(wave)[None], rate, bands=20, hop=hop)
    slow = slow_log_mel(wave, rate, 20, hop, 0.025, 50, rate / 2)
    assert fast.shape == slow.shape == (20, math.ceil(length / (hop * rate))) and fast.dtype == torch.float32
    np.testing.assert_allclose(fast.numpy(), slow, atol=2e-3)


def test_a_tone_is_loud_in_its_band_while_it_lasts():
    rate = 8000
    time = torch.arange(rate) / rate
    wave = torch.where((time >= 0.4) & (time < 0.6), torch.sin(2 * math.pi * 1000 * time), torch.zeros(()))
    found = log_mel(wave[None], rate)
    assert found.shape == (40, 100)
    loud = found.amax(0) > found.max() - 3
    assert loud[41:59].all() and not loud[:39].any() and not loud[61:].any()
    band = int(found[:, 50].argmax())
    mel = [2595 * math.log10(1 + f / 700) for f in (50, 4000, 1000)]
    assert abs(band - ((mel[2] - mel[0]) / (mel[1] - mel[0]) * 41 - 1)) <= 1


def test_silence_is_finite_and_channels_are_averaged():
    assert torch.isfinite(log_mel(torch.zeros(1, 500), 8000)).all()
    wave = torch.randn(2, 800)
    torch.testing.assert_close(log_mel(wave, 8000), log_mel(wave.mean(0), 8000))


def test_many_bands_at_a_low_rate_are_all_of_something():
    found = log_mel(torch.randn(1, 4000), 4000, bands=64)
    assert (found > math.log(FLOOR) + 5).all()


@pytest.mark.parametrize("rate", [8000, 11025])
def test_a_long_sound_is_worked_on_a_part_at_a_time(monkeypatch, rate):
    """And comes to the same, wherever its parts end."""
    wave = torch.randn(2, 2 * rate, generator=torch.Generator().manual_seed(0))
    whole = log_mel(wave, rate)
    monkeypatch.setattr(log_mel_module, "AT_ONCE", 7 * 512)
    torch.testing.assert_close(log_mel(wave, rate), whole)
