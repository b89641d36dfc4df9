"""Class maps of scans are measured sample by sample, and as the one object that each class is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from maskrcnn.config import SemanticHeadConfig
from maskrcnn.data.class_maps.tasks import SEMANTIC, for_task
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.models.class_probabilities import from_grid
from maskrcnn.structures import Instances
from tiny_signals import tiny_signal_info, tiny_signal_model

SHAPE = (6, 8, 10)
SURE = 9.0  # a logit


def labelled(folder):
    """Five scans of two organs, ``[Z, Y, X]``."""
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for k in range(5):
        numbers = np.zeros(SHAPE, np.uint8)
        numbers[1:4, 1:4, k % 3 : k % 3 + 3], numbers[1:4, 1:4, 5:9] = 1, 2
        np.save(folder / "images" / f"{k}.npy", np.random.default_rng(k).normal(size=SHAPE).astype(np.float32))
        np.save(folder / "labels" / f"{k}.npy", numbers)
    return for_task(open_dataset(folder), SEMANTIC)


def test_each_class_has_dice_as_the_object_that_it_is(tmp_path, monkeypatch):
    data = labelled(tmp_path)
    truth = [data[k].class_map for k in range(5)]
    left = [own.copy() for own in truth]
    for own in left:
        own[3][own[3] == 2] = 0  # a third of the second organ is missed
    waiting = iter(left)

    def told(own):
        logits = torch.zeros(3, *SHAPE).scatter_(0, torch.from_numpy(own).long()[None], SURE)
        nothing = Instances(torch.zeros(0, 6), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
        return dataclasses.replace(nothing, of_image={"semantic": from_grid(logits, (1, 1, 1), SHAPE, 0)})

    monkeypatch.setattr(
        Predictor, "predict_leads", lambda self, images, *_: [(told(next(waiting)), []) for _ in images]
    )
    model = tiny_signal_model(ndim=3)
    model.config = dataclasses.replace(
        model.config, finds_objects=False, semantic_head=SemanticHeadConfig((8,)), mask_head=None
    )
    info = tiny_signal_info(model, "volume", data.class_names)
    metrics = evaluate(Predictor(model, dataclasses.replace(info, notes=info.notes | {"labels": "classes"})), data)[
        0
    ].metrics
    first, second = data.class_names
    assert metrics[f"classes/{first}/dice"] == metrics[f"semantic/dice/{first}"] == 1.0
    assert metrics[f"classes/{second}/dice"] == pytest.approx(2 * 24 / (24 + 36))
    assert metrics[f"classes/{second}/dice"] == pytest.approx(metrics[f"semantic/dice/{second}"])
    assert metrics[f"classes/{second}/volume_error"] == pytest.approx(1 / 3)
