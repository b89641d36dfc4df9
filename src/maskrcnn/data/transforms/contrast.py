"""Images of one kind whose brightness differs by orders of magnitude, such as fluorescence: each by its own range."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

OUTER_PERCENT = 0.1  # of the samples lie below the new 0, and as many above the new 255
MOST_GAIN = 32.0  # an empty image is noise, and stays dark
MOST_SAMPLES = 1 << 20  # that the percentiles are taken of


def stretch_contrast(image: Tensor) -> Tensor:
    """``[C, *S]`` of 0..255 as float32, its outer percentiles moved to 0 and 255, for all channels alike.

    A range of less than 255 / ``MOST_GAIN`` is spread by that gain only.
    """
    values = image.reshape(-1)[:: max(1, image.numel() // MOST_SAMPLES)].numpy()
    low, high = np.percentile(values, (OUTER_PERCENT, 100 - OUTER_PERCENT))
    gain = min(255 / max(float(high - low), 1e-6), MOST_GAIN)
    stretched = image.to(torch.float32, copy=True)  # and then in place: a photo of 24 megapixels is 288 MB of floats
    return stretched.sub_(float(low)).mul_(gain).clamp_(0, 255)
