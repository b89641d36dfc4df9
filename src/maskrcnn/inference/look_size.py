"""Whether what a model looks at at once fits into memory: a file as a whole (``--tile off``), or tiles of it."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from maskrcnn.data.parsing import size_limit
from maskrcnn.data.transforms.geometry import resize_shape
from maskrcnn.data.transforms.regrid import grid_shape
from maskrcnn.files import is_file_entry, is_folder
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.tiling.tiles import TILES_AT_ONCE
from maskrcnn.models.head import heads_of
from maskrcnn.models.heads.semantic import SemanticHead
from maskrcnn.models.mask_rcnn import MaskRCNN

# Bytes of memory for each sample of a file: of a picture; of others, as read and standardised; the same on its way to
# the model's grid as a whole.
PICTURE, READ, WHOLE = 6, 8, 16
MOST_A_SAMPLE = 1024  # bytes: what takes less than this for each sample is not weighed
PROBE = 64  # samples along each axis of the input on which a network is weighed
HEADERS = (".hea", ".hdr", ".mhd", ".nhdr")  # of files whose samples lie in others beside them


def check_look_size(path: str | Path, predictor: Predictor, image: Tensor, spacing: Sequence[float] | None) -> None:
    """Refuse a file of which the predictor would look at more at once than memory allows.

    Args:
        path: of the file, whose size tells how tightly it is packed; a folder holds a series.
        predictor: that is to look, with its options.
        image: ``[C, *S]``, as it was read.
        spacing: of the file, x first, where it says one.

    Raises:
        DataError: it would take more than the memory that is free, or, where the file is packed more tightly than real
            ones are, more than does no harm.
    """
    tile = predictor.tile_shape(image, spacing)
    whole = tuple(image.shape[1:])
    seen = whole if tile is None else tuple(map(min, whole, tile))
    pieces = 1 if tile is None else min(TILES_AT_ONCE, math.prod(-(-a // b) for a, b in zip(whole, seen)))
    p = predictor.preprocess
    if p.spacing is None:
        each, shape = PICTURE, resize_shape(seen, p.min_size, p.max_size, round_down=not p.antialias)
    else:
        each, shape = WHOLE if tile is None else READ, grid_shape(seen, spacing, p)
    looks = pieces * (len(image) if p.each_channel else 1) * (1 + predictor.flip)
    samples, own = looks * math.prod(shape), each * image.numel()
    if own + samples * MOST_A_SAMPLE <= size_limit.HARMLESS:
        return
    need = own + round(samples * bytes_a_sample(predictor.model))
    size_limit.check_look(path, image.numel(), need, lambda: packed_size(Path(path)), *_advice(predictor, tile))


def bytes_a_sample(model: MaskRCNN) -> float:
    """Memory that a look takes for each sample of the network's input: the input itself, the pyramid, and the largest
    layer's input and output together, as weighed on an input of little more than nothing."""
    most = 0

    def weigh(_: nn.Module, given: tuple[object, ...], made: object) -> None:
        nonlocal most
        most = max(most, sum(_size(tensor) for tensor in (*given, made)))

    told = [head for head in heads_of(model).values() if isinstance(head, SemanticHead)]  # its grid may be the finest
    parts = [model.backbone, *([model.rpn] if model.finds_objects else []), *told]
    weighed = [module.register_forward_hook(weigh) for part in parts for module in part.modules()]
    device = next(model.parameters()).device
    try:
        with torch.inference_mode():
            blank = torch.zeros(1, model.config.in_channels, *(PROBE,) * model.config.ndim, device=device)
            features = model.backbone(blank)
            for head in told:
                head(features)
    finally:
        for hook in weighed:
            hook.remove()
    return (_size(blank) + most + sum(map(_size, features))) / blank[0, 0].numel()


def packed_size(path: Path) -> int:
    """Bytes of a file, with all that lie beside it where it is the header of others; of a series, those of its
    folder."""
    if is_folder(path) or path.suffix.lower() in HEADERS:
        folder = path if is_folder(path) else path.parent
        return sum(entry.stat().st_size for entry in os.scandir(folder) if is_file_entry(entry))
    return path.stat().st_size


def _advice(predictor: Predictor, tile: Sequence[int] | None) -> tuple[int | None, str]:
    """The longest side of a tile, and what to do about a look that is too much."""
    if tile is not None:
        return max(tile), "choose a smaller --tile"
    if predictor.preprocess.spacing is None:
        return None, "choose a smaller --image-size"
    return None, "leave out --tile, or choose a smaller one"


def _size(tensor: object) -> int:
    return tensor.numel() * tensor.element_size() if isinstance(tensor, Tensor) else 0
