"""Parts, u and v as pictures of three channels, the form in which DensePose's results are passed on.

The first channel is the part (0: nothing), the second u and the third v, each times 255. In the PNG files they are red,
green and blue; what reads BGR finds them the other way round. Each file says which surface is meant, as its text
``surface``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from maskrcnn.surfaces.maps import SurfaceMaps


def iuv_of_object(found: SurfaceMaps, i: int) -> np.ndarray:
    """uint8 ``[*W, 3]`` over the window of object ``i``: part, u and v."""
    parts = found.parts[i].clip(0, 255).astype(np.uint8)
    uv = np.rint(found.uv[i].clip(0, 1) * 255).astype(np.uint8)
    return np.stack([parts, *(own * (parts > 0) for own in uv)], -1)


def iuv_of_file(found: SurfaceMaps, spatial_shape: Sequence[int]) -> np.ndarray:
    """uint8 ``[*S, 3]`` over the whole file; where objects overlap, the first of them is seen."""
    whole = np.zeros((*spatial_shape, 3), np.uint8)
    for i in reversed(range(len(found))):
        own = iuv_of_object(found, i)
        here = own[..., 0] > 0
        whole[found.window(i)][here] = own[here]
    return whole


def iuv_picture(values: np.ndarray, surface: str) -> tuple[Image.Image, PngInfo]:
    """A picture of uint8 ``[H, W, 3]``, and the text that its PNG file has: which surface is meant."""
    text = PngInfo()
    text.add_text("surface", surface)
    return Image.fromarray(values), text


def iuv_png(values: np.ndarray, surface: str) -> bytes:
    """The bytes of a PNG file of uint8 ``[H, W, 3]``."""
    picture, text = iuv_picture(values, surface)
    file = io.BytesIO()
    picture.save(file, "PNG", pnginfo=text)
    return file.getvalue()
