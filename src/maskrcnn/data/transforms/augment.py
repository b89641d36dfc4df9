"""How training images are varied, and what of it changes their colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from maskrcnn.ops import nd

CURVE_POINTS = 6  # of a microphone's curve, evenly spread over the bands
LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in grey, as Pillow has them


@dataclass(frozen=True)
class AugmentConfig:
    """How training images are varied."""

    size: tuple[int, ...] = (384, 384)
    """Shape of a training sample, tensor order."""
    scale_range: tuple[float, float] = (0.6, 1.6)
    """Smallest and largest random factor on the scale at which the whole image just fits into ``size``."""
    flip_axes: tuple[int, ...] = (0,)
    """Axes that are mirrored in half of the samples; 0 is x (left and right), 1 is y."""
    brightness: float = 0.2
    """Largest relative change of brightness."""
    contrast: float = 0.2
    """Largest relative change of contrast."""
    saturation: float = 0.2
    """Largest relative change of saturation; images of three channels only."""
    invert: float = 0.0
    """Probability that a sample is shown as its negative: dark objects on bright ground and the other way round."""
    grey: float = 0.0
    """Probability that a sample loses its colours; images of three channels only."""
    gamma: float = 0.0
    """Largest change of the exponent on values of 0..1, in powers of 2: 1 draws exponents between 0.5 and 2."""
    gain: float = 0.0
    """Largest change of the amplitude of each channel, in powers of 2 (samples on a model's own grid)."""
    hidden_bands: int = 0
    """Most neighbouring bands of a sound that are hidden, twice in each sample."""
    noise: float = 0.0
    """Largest deviation of white noise that is added, in deviations of the channel (as above)."""
    drift: float = 0.0
    """Largest deviation of a slow wave that is added, in deviations of the channel (as above)."""
    copy_paste: float = 0.0
    """Probability that objects of another image are pasted into a sample."""
    min_visible: float = 0.1
    """Objects of which a crop shows less than this part of the box, or pasted objects leave less than this part of the
    mask, are dropped."""
    min_box_size: float = 2.0
    """Objects whose box has a side of fewer samples than this are dropped."""
    pad: bool = True
    """Fill each sample up to ``size`` with the mean colour at its high ends, so that all have one shape."""


def jitter_colour(image: Tensor, augment: AugmentConfig, generator: np.random.Generator) -> Tensor:
    """Change brightness, contrast and (of three channels) saturation at random.

    Args:
        image: float ``[C, *S]``, 0..255.
        augment: how much at most.
        generator: what is drawn comes from.

    Returns:
        Float ``[C, *S]``, 0..255.
    """
    amounts = (augment.brightness, augment.contrast, augment.saturation)
    brightness, contrast, saturation = (1 + generator.uniform(-amount, amount) for amount in amounts)
    if not any(amounts):
        return image
    mean = image.mean() * brightness
    image = (image * brightness - mean) * contrast + mean
    if image.shape[0] == len(LUMA):
        image = torch.lerp(luma(image), image, saturation)
    return image.clamp_(0, 255)


def vary_tone(image: Tensor, augment: AugmentConfig, generator: np.random.Generator) -> Tensor:
    """Change gamma, take the colours away or turn an image into its negative, at random.

    What is switched off draws nothing from ``generator``, so that it changes nothing else.

    Args:
        image: float ``[C, *S]``, 0..255.
        augment: how much and how often.
        generator: what is drawn comes from.

    Returns:
        Float ``[C, *S]``, 0..255.
    """
    if augment.gamma:
        exponent = 2.0 ** generator.uniform(-augment.gamma, augment.gamma)
        image = 255 * (image / 255).clamp(0, 1) ** exponent
    if augment.grey and generator.random() < augment.grey and image.shape[0] == len(LUMA):
        image = luma(image).expand_as(image)
    if augment.invert and generator.random() < augment.invert:
        image = 255 - image
    return image


def vary_amplitude(image: Tensor, augment: AugmentConfig, generator: np.random.Generator) -> Tensor:
    """Change the gain of a recording or scan, turn it upside down, add noise and drift, at random.

    What is switched off draws nothing from ``generator``.

    Args:
        image: float ``[C, *S]``, in units of each channel's deviation.
        augment: how much and how often.
        generator: what is drawn comes from.

    Returns:
        Float ``[C, *S]``.
    """
    channels, shape = len(image), image.shape[1:]
    per_channel = (-1, *(1,) * len(shape))
    if augment.gain:
        gain = 2.0 ** generator.uniform(-augment.gain, augment.gain, channels)
        image = image * torch.from_numpy(gain).float().view(per_channel)
    if augment.invert and generator.random() < augment.invert:
        image = -image
    if augment.noise:
        amount = augment.noise * generator.random() ** 2  # mostly little
        image = image + amount * torch.from_numpy(generator.standard_normal(image.shape, dtype=np.float32))
    if augment.drift:
        coarse = tuple(int(generator.integers(2, 8)) for _ in shape)
        wave = augment.drift * generator.random() * generator.standard_normal((channels, *coarse), dtype=np.float32)
        image = image + nd.interpolate(torch.from_numpy(wave)[None], shape)[0]
    return image


def vary_bands(bands: Tensor, augment: AugmentConfig, generator: np.random.Generator) -> Tensor:
    """Change log-mel bands as another microphone hears them, and hide some (SpecAugment, Park et
    al. 2019, section 2).

    A smooth curve over the bands is added, of the amplitude of ``gain``; hidden bands have the
    mean. What is switched off draws nothing from ``generator``.

    Args:
        bands: float ``[M, T]``.
        augment: how much and how often.
        generator: what is drawn comes from.

    Returns:
        Float ``[M, T]``.
    """
    if augment.gain:
        curve = generator.uniform(-augment.gain, augment.gain, (1, 1, CURVE_POINTS)).astype(np.float32)
        bands = bands + 2 * math.log(2) * nd.interpolate(torch.from_numpy(curve), bands.shape[:1])[0].T
    if augment.hidden_bands:
        bands, mean = bands.clone(), float(bands.mean())
        for _ in range(2):
            width = int(generator.integers(0, augment.hidden_bands, endpoint=True))
            start = int(generator.integers(0, max(len(bands) - width, 0), endpoint=True))
            bands[start : start + width] = mean
    return bands


def luma(image: Tensor) -> Tensor:
    """The grey ``[1, *S]`` of red, green and blue ``[3, *S]``."""
    grey: Tensor = torch.tensordot(image.new_tensor(LUMA), image, dims=1)[None]
    return grey
