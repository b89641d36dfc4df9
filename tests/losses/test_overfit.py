"""A model that cannot learn a handful of samples by heart has a fault somewhere; in every D it is the same code."""

import numpy as np
import pytest
import torch

import naive
from cases import small_model
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.inference.predictor import paste_regions
from maskrcnn.losses.objective import Objective
from maskrcnn.structures import batch_images

SAMPLES = 8


def memorise(model, samples, steps, rate=3e-3):
    """Train on all samples at every step."""
    images, targets = batch_images([sample.image for sample in samples], 8), [sample.target for sample in samples]
    objective = Objective(model).train()
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for step in range(steps):
        losses = objective(images, targets, [SAMPLES * step + k for k in range(SAMPLES)])
        loss = torch.stack([term.mean() for term in losses.values()]).sum()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()


def found_objects(model, samples):
    """(box IoU, mask IoU) of each labelled object with the detection of its class that overlaps its box most."""
    images = batch_images([sample.image for sample in samples], 8)
    with torch.no_grad():
        detections = model.eval()(images)
    overlaps = []
    for found, sample in zip(detections, samples):
        regions = paste_regions(found.mask_logits.sigmoid(), found.boxes, sample.source_shape)
        target = sample.target
        for k, (box, label) in enumerate(zip(target.boxes.tolist(), target.labels.tolist())):
            sure = (found.labels == label) & (found.scores > 0.5)
            best = max(
                sure.nonzero().flatten().tolist(), key=lambda i: naive.iou(box, found.boxes[i].tolist()), default=None
            )
            if best is None:
                overlaps.append((0.0, 0.0))
                continue
            predicted, drawn = regions.mask(best), target.regions.mask(k)
            mask_iou = (predicted & drawn).sum() / (predicted | drawn).sum()
            overlaps.append((naive.iou(box, found.boxes[best].tolist()), mask_iou))
    return np.array(overlaps)


# Seeds whose objects are all well in sight: none is hidden but for a sample or two.
@pytest.mark.parametrize(
    "ndim, shape, seed, steps", [(1, (128,), 2, 150), (2, (48, 48), 0, 220), (3, (16, 24, 24), 0, 150)]
)
def test_eight_samples_are_learned_by_heart(ndim, shape, seed, steps):
    samples = synthetic_samples(ndim, SAMPLES, shape, seed, channels=1)
    model = small_model(ndim)
    memorise(model, samples, steps)
    box_iou, mask_iou = found_objects(model, samples).T
    assert len(box_iou) == sum(len(sample.target) for sample in samples)
    assert box_iou.min() > 0.6
    assert mask_iou.mean() > 0.6
