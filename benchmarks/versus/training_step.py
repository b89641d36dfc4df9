"""A training step of ResNet-50-FPN: two images of 512 px, all layers trained, frozen norms, SGD."""

from __future__ import annotations

import numpy as np
import torch
from reference import reference_model

from cases import Arrays, Case, Work
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.losses.objective import Objective
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.step import sum_of_means, train_step

SIZE, IMAGES, LR = 512, 2, 1e-6


def ours() -> Work:
    samples = synthetic_samples(2, IMAGES, (SIZE, SIZE))
    objective = Objective(reference_model())
    optimizer = torch.optim.SGD(objective.parameters(), lr=LR, momentum=0.9)

    def run() -> Arrays:
        step = train_step(objective, optimizer, samples, FitConfig(batch_size=IMAGES), 0, "cpu")
        return {"loss": np.array([float(sum_of_means(step.terms))])}

    return run


def theirs() -> Work:
    from torchvision_model import build

    model = build(SIZE, SIZE, image_mean=[0.0] * 3, image_std=[1.0] * 3).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9)
    samples = synthetic_samples(2, IMAGES, (SIZE, SIZE))
    targets = []
    for sample in samples:
        target, regions = sample.target, sample.target.regions
        assert regions is not None
        masks = torch.from_numpy(np.stack([regions.mask(i) for i in range(len(regions))]).astype(np.uint8))
        targets.append({"boxes": target.boxes, "labels": target.labels, "masks": masks})

    def run() -> Arrays:
        optimizer.zero_grad()
        loss = sum(model([sample.image for sample in samples], targets).values())
        loss.backward()
        optimizer.step()
        return {"loss": np.array([loss.item()])}

    return run


def agree(one: Arrays, other: Arrays) -> str:
    return f"losses {one['loss'][0]:.2f} and {other['loss'][0]:.2f} (samples are drawn, each side its own)"


CASES = {"training": Case(f"training step, {IMAGES} images of {SIZE} px", ours, theirs, agree, 3, 1.5)}
