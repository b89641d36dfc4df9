"""A sound as its loudness in bands of pitch: the log-mel front end.

The mel scale is O'Shaughnessy's (1987): mel = 2595 log10(1 + f / 700). Bands are triangles whose corners are equally
far apart in mel, each of area 1 over frequency, so that white noise is equally loud in all of them.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

FLOOR = 1e-8  # power of silence, so that its logarithm is finite
AT_ONCE = 1 << 23  # numbers of each kind that are worked on together: of an hour of sound all would take 1.6 GiB


def log_mel(
    wave: Tensor,
    rate: float,
    bands: int = 40,
    hop: float = 0.01,
    window: float = 0.025,
    lowest: float = 50,
    highest: float | None = None,
) -> Tensor:
    """Compute the log-mel bands of a sound: the natural logarithm of the power in each band.

    Column k is about samples ``[k * hop * rate, (k + 1) * hop * rate)``: its window is centred on
    the middle of these. Where the window passes an end of the sound there is silence.

    Args:
        wave: ``[C, T]`` or ``[T]``; the channels' mean is taken.
        rate: samples a second.
        bands: of pitch, from low to high.
        hop: seconds from one column to the next.
        window: seconds of sound that a column looks at, under a Hann window.
        lowest: Hz, where the first band begins.
        highest: Hz, where the last band ends; None: half of ``rate``.

    Returns:
        float32 ``[bands, ceil(T / (hop * rate))]``.
    """
    sound = wave.float().reshape(-1, wave.shape[-1]).mean(0)
    step, width = hop * rate, max(2, round(window * rate))
    frames = math.ceil(len(sound) / step - 1e-9)
    # A hop need not be a whole number of samples: each window begins at the sample nearest to where it should.
    starts = torch.floor((torch.arange(frames, dtype=torch.float64) + 0.5) * step - width / 2 + 0.5).long()
    padded = F.pad(sound, (width, width + math.ceil(step)))
    size = 2 ** math.ceil(math.log2(width))
    hann = torch.hann_window(width, periodic=False)
    filters = mel_filters(rate, size, bands, lowest, highest or rate / 2)
    found = sound.new_empty(bands, frames)
    for some in torch.arange(frames).split(max(1, AT_ONCE // size)):
        windows = padded[(starts[some] + width)[:, None] + torch.arange(width)]
        spectrum = torch.fft.rfft(windows * hann, n=size).abs() ** 2 / hann.square().sum()
        found[:, some] = torch.log(filters @ spectrum.T + FLOOR)
    return found


def mel_filters(rate: float, size: int, bands: int, lowest: float, highest: float) -> Tensor:
    """Compute the weight of each frequency in each mel band; each band's weights add up to 1.

    A band too narrow to hold a frequency takes those on either side of its middle.

    Args:
        rate: samples a second.
        size: samples of the Fourier transform.
        bands: how many.
        lowest: Hz, where the first band begins.
        highest: Hz, where the last band ends.

    Returns:
        ``[bands, size // 2 + 1]``.
    """
    low, high = (2595 * math.log10(1 + f / 700) for f in (lowest, min(highest, rate / 2)))
    corners = 700 * (10 ** (torch.linspace(low, high, bands + 2, dtype=torch.float64) / 2595) - 1)
    frequencies = torch.arange(size // 2 + 1, dtype=torch.float64) * rate / size
    spacing = rate / size
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    left, right = torch.minimum(left, middle - spacing), torch.maximum(right, middle + spacing)
    rising, falling = (frequencies - left) / (middle - left), (right - frequencies) / (right - middle)
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles / triangles.sum(1, keepdim=True)).float()
