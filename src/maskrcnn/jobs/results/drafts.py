"""Found objects as drafts of labels, which a labelling tool opens to be corrected."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import is_folder
from maskrcnn.inference.results.lists import LIST
from maskrcnn.jobs.convert import Conversion, convert_dataset
from maskrcnn.modalities.images.read.pictures import image_shape
from maskrcnn.modalities.open import open_dataset
from maskrcnn.model_info import ModelInfo


def draft_folder(out: Path, to: str) -> Path:
    """Where drafts go. Raises UsageError where some are there already, which somebody may have corrected."""
    folder = out / to
    if is_folder(folder) and any(folder.iterdir()):
        raise UsageError(f"{folder} holds drafts already, perhaps corrected ones: name another folder with --out.")
    return folder


def write_drafts(out: Path, to: str, info: ModelInfo, pictures: Mapping[str, Path]) -> Conversion:
    """Write what ``predictions.json`` says of pictures as labels of another tool, with the pictures.

    Args:
        out: the folder of the results.
        to: a format that is written, see ``maskrcnn convert``; its files go into a folder of that name.
        info: of the model, for its classes.
        pictures: that were searched, by the names that the list has for them.

    Returns:
        What was written, and a sentence for each picture that was left out.

    Raises:
        UsageError: there are drafts already.
        DataError: the format cannot hold them.
    """
    folder = draft_folder(out, to)
    entries: list[dict[str, Any]] = json.loads((out / LIST).read_text(encoding="utf-8"))
    ids = {name: number for number, name in enumerate(pictures, start=1)}
    images = []
    for name, path in pictures.items():
        height, width = image_shape(path)
        images.append({"id": ids[name], "file_name": str(path.absolute()), "height": height, "width": width})
    numbers = list(info.category_ids or range(1, len(info.class_names) + 1))
    entries = [entry for entry in entries if entry["file_name"] in ids]
    annotations = [_annotation(entry, ids[entry["file_name"]], k) for k, entry in enumerate(entries, start=1)]
    if not annotations:
        raise DataError(f"Nothing was found, so there are no drafts for {to}; try a lower --score.")
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in zip(numbers, info.class_names)],
    }
    with tempfile.TemporaryDirectory(prefix="maskrcnn-") as place:
        labels = Path(place) / "found.json"
        labels.write_text(json.dumps(content), encoding="utf-8")
        return convert_dataset(open_dataset(labels), folder, to, link=True, outside=True)


def _annotation(entry: dict[str, Any], image_id: int, number: int) -> dict[str, Any]:
    kept = ("category_id", "bbox", "segmentation")
    own: dict[str, Any] = {key: value for key, value in entry.items() if key in kept}
    return {"id": number, "image_id": image_id, "iscrowd": 0, "area": entry["bbox"][2] * entry["bbox"][3], **own}
