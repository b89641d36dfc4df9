"""Found objects as files of programs to look at them in: a file a picture, with shapes, classes and scores."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from maskrcnn.exchange.imagej import write_rois
from maskrcnn.exchange.qupath import write_geojson
from maskrcnn.inference.results.lists import LIST
from maskrcnn.inference.results.names import FreeNames
from maskrcnn.modalities.images.read.pictures import image_shape
from maskrcnn.model_info import ModelInfo
from maskrcnn.rle import decode_masks
from maskrcnn.structures import Instances

WRITERS = {"qupath": (".geojson", write_geojson), "imagej": (".zip", write_rois)}


def write_for_viewer(out: Path, to: str, info: ModelInfo, pictures: Mapping[str, Path]) -> Path:
    """Write what ``predictions.json`` says of pictures for another program.

    Args:
        out: the folder of the results.
        to: of :data:`maskrcnn.exchange.viewers.VIEWERS`; its files go into a folder of that name.
        info: of the model, for its classes.
        pictures: that were searched, by the names that the list has for them.

    Returns:
        The folder.

    Raises:
        UsageError: the package that writes them is not installed.
    """
    entries: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in json.loads((out / LIST).read_text(encoding="utf-8")):
        entries[entry["file_name"]].append(entry)
    suffix, write = WRITERS[to]
    names = FreeNames()
    for name, path in pictures.items():
        found = _instances(entries[name], image_shape(path), info.class_names)
        write(out / to / f"{names.take(Path(name).stem)}{suffix}", found, info.class_names)
    return out / to


def _instances(entries: Sequence[Mapping[str, Any]], shape: tuple[int, int], class_names: Sequence[str]) -> Instances:
    """The entries of one picture as tensors again."""
    corners = [(x, y, x + width, y + height) for x, y, width, height in (entry["bbox"] for entry in entries)]
    masks = [entry["segmentation"]["counts"].encode() for entry in entries if "segmentation" in entry]
    return Instances(
        torch.tensor(corners, dtype=torch.float32).reshape(-1, 4),
        torch.tensor([class_names.index(entry["category"]) + 1 for entry in entries], dtype=torch.int64),
        torch.tensor([entry["score"] for entry in entries], dtype=torch.float32),
        regions=decode_masks(masks, shape) if masks else None,
    )
