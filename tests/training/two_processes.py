"""Run by test_distributed.py, alone or under torchrun: one step on one batch; each process writes its gradients."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from safetensors.torch import save_file

from maskrcnn.data.loading import Epoch, epoch_loader
from maskrcnn.data.transforms.samples import EvalTransform
from maskrcnn.losses.objective import Objective
from maskrcnn.modalities.open import open_dataset
from maskrcnn.training.distributed import joined, rank, world_size
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.optimizer import make_optimizer
from maskrcnn.training.step import train_step
from tiny import tiny_model


def main(labels: str, out: str) -> None:
    model, data = tiny_model(), open_dataset(labels)
    config = FitConfig(batch_size=len(data), lr=0.0, optimizer="sgd", clip_norm=1e9, body_lr=1.0, accumulate=2)
    transform = EvalTransform(model.config.preprocess)
    with joined("cpu") as device:
        share = Epoch(shuffle=False, share=(rank(), world_size()))
        samples = next(epoch_loader(data, transform, len(data), share))
        train_step(Objective(model), make_optimizer(model, config), samples, config, 0, device)
        gradients = {name: p.grad.contiguous() for name, p in model.named_parameters() if p.grad is not None}
        save_file(gradients, f"{out}/gradients-{world_size()}-{rank()}.safetensors")


main(*sys.argv[1:])
