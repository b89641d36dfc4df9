"""Which scans have which measures, by hand, and how they are printed."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.fields import FieldResult
from maskrcnn.modalities.volumes.measures.fields import field_measures
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, Record


def printed(result: FieldResult) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(result.table)
    return console.file.getvalue()


def scan(name: str, *boxes: tuple[int, int] | None) -> tuple[Record, Instances]:
    """A volume of 2 x 2 x 40 voxels; of class k the object covers the k-th stretch along x, and is what was found."""
    shape = (2, 2, 40)
    masks = [np.zeros(shape, bool) for box in boxes if box]
    for mask, (start, stop) in zip(masks, filter(None, boxes)):
        mask[..., start:stop] = True
    regions = Regions.from_masks(masks, shape)
    labels = np.array([k for k, box in enumerate(boxes, 1) if box], np.int64)
    record = Record(name, name, name, shape, regions.boxes(), labels, regions)
    scores = torch.full((len(labels),), 0.9)
    return record, Instances(torch.from_numpy(regions.boxes()), torch.from_numpy(labels), scores, regions=regions)


def scans_of(*names: str) -> Dataset:
    return Dataset(Path("data"), names, tuple(range(1, len(names) + 1)), (), True, kind="volume")


def test_scans_with_one_object_a_class_have_dice() -> None:
    (first, _), (_, shorter) = scan("a.nii.gz", (0, 10), (20, 30)), scan("a", (0, 5), (20, 30))
    second, same = scan("b.nii.gz", (0, 10), None)
    result = field_measures(scans_of("Anterior", "posterior", "tail"), [first, second], [shorter, same])
    assert result.metrics == {
        "classes/Anterior/dice": pytest.approx((2 / 3 + 1) / 2),
        "classes/Anterior/volume_error": pytest.approx(0.25),
        "classes/posterior/dice": 1,
        "classes/posterior/volume_error": 0,
        "classes/tail/dice": None,
        "classes/tail/volume_error": None,
    }
    rows = {line.split()[1]: line.split() for line in printed(result).splitlines() if line.startswith("│")}
    cells = [
        "│",
        "Anterior",
        "│",
        "2",
        "│",
        "0.833",
        "│",
        "0.236",
        "│",
        "0.667",
        "│",
        "-25.0",
        "│",
        "25.0",
        "│",
        "a",
        "│",
    ]
    assert rows["Anterior"] == cells
    assert rows["posterior"][3:9:2] == ["1", "1.000", "–"] and rows["tail"][3:7:2] == ["0", "–"]
    assert "nnU-Net" not in printed(result)
    json.dumps(result.metrics, allow_nan=False)


def test_the_hippocampus_has_its_own_names_beside_nnunet() -> None:
    record, found = scan("a.nii.gz", (0, 10), (20, 30))
    result = field_measures(scans_of("Anterior", "Posterior"), [record], [found[:1]])
    assert set(result.metrics) == {
        f"{prefix}/{name}"
        for prefix in ("classes/Anterior", "classes/Posterior", "hippocampus/anterior", "hippocampus/posterior")
        for name in ("dice", "volume_error")
    }
    assert result.metrics["hippocampus/anterior/dice"] == result.metrics["classes/Anterior/dice"] == 1
    assert result.metrics["hippocampus/posterior/dice"] == 0
    assert result.metrics["hippocampus/posterior/volume_error"] == 1
    assert "nnU-Net: about 0.89 mean Dice on this data" in printed(result)
    fewer = field_measures(scans_of("anterior"), [scan("a", (0, 10))[0]], [found[:1]])
    assert not any(name.startswith("hippocampus") for name in fewer.metrics)


def test_only_one_object_a_class_has_dice() -> None:
    record, found = scan("a.nii.gz", (0, 10), (20, 30))
    assert field_measures(scans_of("a", "b"), [], []) == FieldResult()
    two = replace(record, labels=np.array([1, 1]))
    assert field_measures(scans_of("a", "b"), [record, two], [found, found]) == FieldResult()
    boxes = replace(record, regions=None)
    assert field_measures(scans_of("a", "b"), [boxes], [found]) == FieldResult()
