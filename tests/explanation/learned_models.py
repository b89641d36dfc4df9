"""Models of each D that have learned made-up samples by heart, so that there is something to explain."""

import dataclasses
from dataclasses import dataclass

import torch

from cases import small_model
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.inference.options import SHOWN
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.objective import Objective
from maskrcnn.model_info import ModelInfo
from maskrcnn.structures import batch_images

SHAPES = {1: (128,), 2: (48, 48), 3: (16, 24, 24)}
SEEDS = {1: 2, 2: 0, 3: 0}
STEPS = {1: 100, 2: 80, 3: 50}
SAMPLES = 8


@dataclass(frozen=True)
class Learned:
    """A predictor and the images ``[1, *S]`` that its model knows by heart."""

    predictor: Predictor
    images: list[torch.Tensor]


def learn(ndim: int) -> Learned:
    samples = synthetic_samples(ndim, SAMPLES, SHAPES[ndim], SEEDS[ndim], channels=1)
    model, rate = small_model(ndim), 3e-3
    images, targets = batch_images([sample.image for sample in samples], 8), [sample.target for sample in samples]
    objective = Objective(model).train()
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=STEPS[ndim])
    for step in range(STEPS[ndim]):
        losses = objective(images, targets, [SAMPLES * step + k for k in range(SAMPLES)])
        loss = torch.stack([term.mean() for term in losses.values()]).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        schedule.step()
    optimizer.zero_grad(set_to_none=True)
    return Learned(predictor_of(model, max(SHAPES[ndim])), [sample.image for sample in samples])


def predictor_of(model, size: int) -> Predictor:
    """Of images whose longer side is resized to ``size``."""
    preprocess = dataclasses.replace(model.config.preprocess, min_size=size, max_size=size)
    config = dataclasses.replace(model.config, preprocess=preprocess)
    return Predictor(model.eval(), ModelInfo(config, ("box", "ball")), options=SHOWN)
