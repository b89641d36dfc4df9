"""The exported file: a zip of graphs, with all that is known of the model as json and its card.

| entry | holds |
|---|---|
| ``maskrcnn.json`` | format version, precision, names of graphs, strides of levels, the model's header |
| ``NAME.onnx`` | a graph, see :mod:`maskrcnn.export.graphs` |
| ``card.md`` | the model's card, where it has one |
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskrcnn.checkpoints.ours import header_of, info_of
from maskrcnn.errors import CheckpointError
from maskrcnn.files import is_file
from maskrcnn.model_info import ModelInfo

FORMAT_VERSION = 1
INDEX, CARD = "maskrcnn.json", "card.md"
PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True)
class Archive:
    """An exported model.

    Attributes:
        info: of the model, with the sizes that it was exported for.
        precision: of its weights, one of ``PRECISIONS``.
        graphs: bytes of an ONNX file each, by name.
        strides: of each level of the pyramid, D-tuples in tensor order; the last is the RPN's own.
        card: of the model, markdown; empty where it has none.
        notes: how it was made and what it is worth, for people.
    """

    info: ModelInfo
    precision: str
    graphs: Mapping[str, bytes]
    strides: tuple[tuple[int, ...], ...]
    card: str = ""
    notes: dict[str, Any] = field(default_factory=dict)


def write_archive(path: Path, archive: Archive) -> None:
    """Write an exported model to a file that nobody reads yet."""
    index = {
        "format_version": FORMAT_VERSION,
        "precision": archive.precision,
        "graphs": list(archive.graphs),
        "strides": archive.strides,
        "notes": archive.notes,
        "header": header_of(archive.info),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        file.writestr(INDEX, json.dumps(index, indent=1))
        if archive.card:
            file.writestr(CARD, archive.card)
        for name, graph in archive.graphs.items():
            # Weights hardly shrink, and what is stored as it is loads at once.
            file.writestr(f"{name}.onnx", graph, zipfile.ZIP_STORED)


def read_archive(path: str | Path) -> Archive:
    """Read an exported model.

    Raises:
        CheckpointError: no such file, a damaged one, or one that is no exported model.
    """
    if not is_file(path):
        raise CheckpointError(f"{path} does not exist; name a file that maskrcnn export wrote.")
    try:
        with zipfile.ZipFile(path) as file:
            index = json.loads(file.read(INDEX))
            if index["format_version"] > FORMAT_VERSION:
                raise CheckpointError(f"{path} was written by a newer version of maskrcnn; update the package.")
            graphs = {str(name): file.read(f"{name}.onnx") for name in index["graphs"]}
            card = file.read(CARD).decode() if CARD in file.namelist() else ""
            info = info_of(path, json.dumps(index["header"]))
            strides = tuple(tuple(int(step) for step in own) for own in index["strides"])
            return Archive(info, str(index["precision"]), graphs, strides, card, dict(index["notes"]))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, EOFError, OSError) as error:
        raise CheckpointError(f"{path} is no exported model, or a damaged one ({error}); export it again.") from None
