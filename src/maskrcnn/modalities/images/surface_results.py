"""What is written of surfaces beside a picture's overlay: ``NAME.iuv.png`` and ``NAME.surface.png``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from maskrcnn.config import ModelConfig
from maskrcnn.drawing.surface.parts import ROWS, draw_surface, tile_side
from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write, is_file
from maskrcnn.structures import Instances
from maskrcnn.surfaces.iuv import iuv_of_file, iuv_picture
from maskrcnn.surfaces.maps import SurfaceMaps

IUV, SURFACE = ".iuv", ".surface"


def texture_for(config: ModelConfig, path: str) -> np.ndarray | None:
    """Read the texture that is laid on objects.

    Args:
        config: of the model.
        path: of the picture; empty: none.

    Returns:
        uint8 ``[h, w, 4]``, or None.

    Raises:
        UsageError: a model without a surface head, no such picture, or one of another shape.
    """
    if config.surface_head is None:
        raise UsageError(
            "The model has no surface head, so it cannot tell where on a body a pixel lies: name one that has it, or "
            "leave out --surface."
        )
    if not path:
        return None
    if not is_file(path):
        raise UsageError(f"There is no texture {path}.")
    try:
        with Image.open(path) as picture:
            texture = np.asarray(picture.convert("RGBA"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UsageError(f"{path} cannot be read as a picture ({str(error).splitlines()[0]}).") from None
    surface = config.surface_head.surface
    if tile_side(texture, len(surface.parts)) is None:
        columns = -(-len(surface.parts) // ROWS)
        raise UsageError(
            f"{path} is {texture.shape[1]} x {texture.shape[0]} pixels; a texture for {surface.name} has square tiles, "
            f"{columns} across and {ROWS} down, such as {200 * columns} x {200 * ROWS}."
        )
    return texture


def write_surface(overlay: Path, image: Tensor, found: Instances, texture: np.ndarray | None) -> None:
    """Write part, u and v of every pixel of an image, and a picture of them.

    Args:
        overlay: the picture of the objects, beside which both are written.
        image: ``[C, H, W]``, 0..255.
        found: its objects.
        texture: what is seen on them; None: the parts in colours.
    """
    maps = found.surface
    if not isinstance(maps, SurfaceMaps):
        return
    spatial_shape = tuple(image.shape[1:])
    picture, text = iuv_picture(iuv_of_file(maps, spatial_shape), maps.surface)
    with atomic_write(overlay.with_name(f"{overlay.stem}{IUV}.png")) as beside:
        picture.save(beside, pnginfo=text)
    samples = image.detach().cpu().float().clamp(0, 255).round().byte().numpy().transpose(1, 2, 0)
    shown = samples if samples.shape[2] == 3 else samples[..., :1].repeat(3, axis=2)
    drawn, text = iuv_picture(draw_surface(shown, maps, texture), maps.surface)
    with atomic_write(overlay.with_name(f"{overlay.stem}{SURFACE}.png")) as beside:
        drawn.save(beside, pnginfo=text)
