"""Pictures in memory become tensors of the range 0..255, as files do."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from maskrcnn.modalities.images.read.pictures import picture_samples

CHANNELS = (1, 3, 4)  # grey, RGB, RGB and how opaque
ACCEPTED = (
    "a path, an address (https://...), a PIL image, an array or tensor [H, W], [H, W, C] or [C, H, W] (uint8, or float "
    "0..1), a list of these, or a folder"
)
GREY = (0.299, 0.587, 0.114)  # of red, green and blue, as Pillow weighs them
ROUNDING = 1e-3  # by which interpolation may leave the range 0..1


def picture_of(source: Any, channels: int = 3) -> Tensor:
    """A picture in memory as a model of images takes it.

    A PIL image is taken as it is shown: what is transparent is white, 16 bits are scaled by their own range, and it is
    not turned as EXIF says, so that boxes are those of the image that was given. Arrays are RGB, as PIL, imageio and
    matplotlib give them; of OpenCV's BGR give ``array[..., ::-1]``. Of an array that could be both ``[H, W, C]`` and
    ``[C, H, W]`` numpy's is the former and torch's the latter.

    Args:
        source: a PIL image, or an array or tensor ``[H, W]``, ``[H, W, C]`` or ``[C, H, W]`` of C = 1, 3 or 4: uint8,
            bool, grey of uint16 (scaled by its own range), or float of the range 0..1.
        channels: 3 for RGB, 1 for grey.

    Returns:
        ``[C, H, W]``, 0..255.

    Raises:
        TypeError: what is none of these.
        ValueError: floats beyond 0..1, or an array of another shape.
    """
    if isinstance(source, Image.Image):
        return picture_samples(source, channels)
    if isinstance(source, Tensor):
        return _of_array(source.detach().cpu().numpy(), channels, torch_order=True)
    if isinstance(source, np.ndarray) or hasattr(source, "__array__"):
        return _of_array(np.asarray(source), channels, torch_order=False)
    raise TypeError(f"A model of images takes {ACCEPTED}, not {type(source).__name__}.")


def _of_array(values: np.ndarray, channels: int, torch_order: bool) -> Tensor:
    pixels = _channels_last(values, torch_order)
    if not pixels.size:
        raise ValueError(f"An image of shape {list(values.shape)} has no pixels.")
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.dtype == np.uint16 and pixels.shape[-1] == 1:
        return picture_samples(Image.fromarray(np.ascontiguousarray(pixels[..., 0])), channels)
    if pixels.dtype == np.uint8:
        return _of_bytes(pixels, channels)
    if not np.issubdtype(pixels.dtype, np.floating):
        raise TypeError(
            f"An image is an array of uint8 (0..255), of floats (0..1) or of grey uint16, not of {pixels.dtype} with "
            f"{pixels.shape[-1]} channels."
        )
    return _of_floats(pixels.astype(np.float32), channels)


def _of_bytes(pixels: np.ndarray, channels: int) -> Tensor:
    """Uint8 ``[H, W, C]`` as ``[C, H, W]``."""
    array = np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return picture_samples(Image.fromarray(array), channels)


def _of_floats(pixels: np.ndarray, channels: int) -> Tensor:
    """Floats ``[H, W, C]`` of 0..1 as ``[C, H, W]`` of 0..255; those that were bytes before are bytes again."""
    if not np.isfinite(pixels).all():
        raise ValueError("The image has values that are no finite numbers; replace them first.")
    low, high = float(pixels.min()), float(pixels.max())
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(
            f"An image of floats has the range 0..1, and this one {low:g}..{high:g}: give uint8 of 0..255, or divide "
            "by the largest value."
        )
    pixels = pixels.clip(0, 1)
    levels = np.rint(pixels * 255)
    if np.abs(pixels * 255 - levels).max() < ROUNDING:
        return _of_bytes(levels.astype(np.uint8), channels)
    if pixels.shape[-1] == 4:
        opaque = pixels[..., 3:]
        pixels = pixels[..., :3] * opaque + (1 - opaque)  # on white, as viewers show it
    samples = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1) * 255
    if len(samples) == channels:
        return samples
    if channels == 1:
        return (samples * samples.new_tensor(GREY)[:, None, None]).sum(0, keepdim=True)
    return samples.expand(channels, -1, -1).contiguous()


def _channels_last(values: np.ndarray, torch_order: bool) -> np.ndarray:
    """``[H, W, C]`` of any of the accepted shapes."""
    shape = list(values.shape)
    if values.ndim == 2:
        return values[..., None]
    if values.ndim == 4:
        raise ValueError(f"An array of shape {shape} is several images: give them as a list, list(array).")
    if values.ndim != 3 or (shape[0] not in CHANNELS and shape[2] not in CHANNELS):
        raise ValueError(f"An image is an array [H, W], [H, W, C] or [C, H, W] of 1, 3 or 4 channels, not of {shape}.")
    first = shape[0] in CHANNELS and (torch_order or shape[2] not in CHANNELS)
    return np.moveaxis(values, 0, -1) if first else values
