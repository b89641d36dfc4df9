from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pycocotools import mask as coco_mask

from maskrcnn.errors import UsageError
from maskrcnn.modalities.images.results import PredictionWriter
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

SHAPE = (400, 500)
NAMES = ["cat", "dog"]


def found(masks: bool = True) -> Instances:
    windows = [((10, 20), np.ones((30, 40), bool)), ((15, 30), np.ones((50, 20), bool))]
    regions = Regions.from_windows(SHAPE, windows)
    boxes = torch.from_numpy(regions.boxes())
    return Instances(boxes, torch.tensor([2, 1]), torch.tensor([0.91, 0.5]), regions=regions if masks else None)


def nothing() -> Instances:
    return Instances(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0))


def image() -> torch.Tensor:
    return torch.zeros(3, *SHAPE, dtype=torch.uint8)


def test_overlay_list_and_table(tmp_path: Path) -> None:
    writer = PredictionWriter(tmp_path / "out", NAMES, category_ids=[17, 18])
    assert writer.add("photos/000042.jpg", image(), found()) == tmp_path / "out" / "000042.png"
    writer.add("photos/empty.jpg", image(), nothing())
    writer.close()
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "000042.png",
        "empty.png",
        "predictions.json",
        "summary.csv",
    ]
    predictions = json.loads((tmp_path / "out" / "predictions.json").read_text())
    first = predictions[0]
    mask = coco_mask.decode(first.pop("segmentation")).astype(bool)
    np.testing.assert_array_equal(mask, found().regions.mask(0))
    assert first == {
        "file_name": "photos/000042.jpg",
        "image_id": 42,
        "category": "dog",
        "category_id": 18,
        "bbox": [20, 10, 40, 30],
        "score": 0.91,
    }
    with (tmp_path / "out" / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["object"] for row in rows] == ["1", "2"]
    assert rows[1]["class"] == "cat" and rows[1]["x2"] == "50.0" and rows[1]["area_px"] == "1000"


def test_one_stem_twice_is_numbered_whatever_its_case(tmp_path: Path) -> None:
    writer = PredictionWriter(tmp_path, NAMES)
    names = [writer.add(f"{folder}/Photo.jpg", image(), nothing()).name for folder in "ab"]
    names += [writer.add(f"c/{name}.png", image(), nothing()).name for name in ("photo", "Photo-2")]
    assert names == ["Photo.png", "Photo-2.png", "photo-3.png", "Photo-2-2.png"]


def test_label_maps_are_16_bit(tmp_path: Path) -> None:
    writer = PredictionWriter(tmp_path, NAMES, label_maps=True)
    writer.add("a/x.jpg", image(), found())
    writer.add("a/y.jpg", image(), nothing())
    instances, classes = (np.asarray(Image.open(tmp_path / f"x.{kind}.png")) for kind in ("instances", "classes"))
    assert instances.dtype == np.uint16 and instances.shape == SHAPE
    assert (
        instances[12, 25] == 1 and classes[12, 25] == 2
    )  # the dog, and where it overlaps the cat: its score is higher
    assert instances[20, 40] == 1 and instances[60, 40] == 2 and classes[60, 40] == 1
    assert not np.asarray(Image.open(tmp_path / "y.instances.png")).any()


def test_boxes_alone(tmp_path: Path) -> None:
    writer = PredictionWriter(tmp_path, NAMES)
    writer.add("a/x.jpg", image(), found(masks=False))
    writer.close()
    predictions = json.loads((tmp_path / "predictions.json").read_text())
    assert "segmentation" not in predictions[0]
    assert "1200" in (tmp_path / "summary.csv").read_text()
    with pytest.raises(UsageError, match="boxes only"):
        PredictionWriter(tmp_path, NAMES, label_maps=True).add("a/x.jpg", image(), found(masks=False))


def test_sources_are_never_overwritten(tmp_path: Path) -> None:
    writer = PredictionWriter(tmp_path, NAMES)
    with pytest.raises(UsageError, match="another folder"):
        writer.add(tmp_path / "photo.png", image(), nothing())


def test_nothing_at_all_is_still_json(tmp_path: Path) -> None:
    PredictionWriter(tmp_path / "out", NAMES).close()
    assert json.loads((tmp_path / "out" / "predictions.json").read_text()) == []
    assert (tmp_path / "out" / "summary.csv").read_text().startswith("file,object,class,score")
