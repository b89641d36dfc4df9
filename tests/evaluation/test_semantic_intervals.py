"""A model that names every sample of a recording is measured by the intervals that it names, too."""

from __future__ import annotations

import dataclasses

import torch

from maskrcnn.config import SemanticHeadConfig
from maskrcnn.data.class_maps.tasks import SEMANTIC, for_task
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.models.class_probabilities import from_grid
from maskrcnn.structures import Instances
from tiny_signals import CLASSES, tiny_signal_info, tiny_signal_model, write_series

SURE = 9.0  # a logit


def test_connected_parts_of_a_class_are_its_intervals(tmp_path, monkeypatch):
    model = tiny_signal_model()
    model.config = dataclasses.replace(
        model.config, finds_objects=False, semantic_head=SemanticHeadConfig((8,)), mask_head=None
    )
    data = for_task(open_dataset(write_series(tmp_path, 2)), SEMANTIC)
    truth = [data[k].class_map for k in range(2)]
    number = sum(len(data[k].labels) for k in range(2))
    assert number > 2 and len({len(own) for own in truth}) == 1

    def told(own):
        logits = torch.zeros(len(CLASSES) + 1, len(own))
        logits[torch.from_numpy(own).long(), torch.arange(len(own))] = SURE
        semantic = from_grid(logits, (1,), (len(own),), 0)
        nothing = Instances(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
        return dataclasses.replace(nothing, of_image={"semantic": semantic})

    def leads(self, images, spacings=None, options=None):
        return [(told(own), [told(own)]) for own in truth[: len(images)]]

    monkeypatch.setattr(Predictor, "predict_leads", leads)
    predictor = Predictor(model, tiny_signal_info(model))
    metrics = evaluate(predictor, data)[0].metrics
    assert metrics["semantic/mIoU"] == 1.0
    assert metrics["intervals/found"] == 1.0 and metrics["intervals/named"] == 1.0
    truth[1] = 0 * truth[1]
    fewer = evaluate(predictor, data)[0].metrics
    assert fewer["intervals/found"] == len(data[0].labels) / number
