"""Each object of an image as a picture of its own, with a transparent background."""

from __future__ import annotations

import numpy as np
from PIL import Image
from torch import Tensor

from maskrcnn.drawing.overlay import to_rgb
from maskrcnn.regions import Regions


def cut_out(image: Tensor | np.ndarray, regions: Regions, i: int) -> Image.Image:
    """Object ``i`` as an RGBA picture of its own window: its pixels opaque, all others transparent black.

    Args:
        image: tensor ``[C, H, W]`` or array ``[H, W, C]``, values 0..255.
        regions: on the image's canvas; object ``i`` covers something.
        i: the number of the object, from 0.

    Returns:
        The picture, as small as the object.
    """
    where = regions.window_slices(i)
    mask = regions.window(i)
    pixels = np.asarray(to_rgb(image[(slice(None), *where)] if isinstance(image, Tensor) else image[where]))
    return Image.fromarray(np.concatenate([pixels, np.full((*mask.shape, 1), 255, np.uint8)], 2) * mask[..., None])
