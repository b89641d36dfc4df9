"""The training schedule: epochs, batch, learning rates, optimiser; nothing here is part of the model."""

from __future__ import annotations

from dataclasses import dataclass

REFERENCE_BATCH = 8  # images in the steps that a learning rate is given for


@dataclass(frozen=True)
class FitConfig:
    """A training's schedule. What is drawn at random about its images is in ``AugmentConfig``."""

    epochs: int = 20
    batch_size: int = 8  # images in a step, of all processes together
    lr: float = 6e-4  # of layers that start from nothing, for steps of REFERENCE_BATCH images
    body_lr: float = 0.2  # factor on it for the body; 0: the body stays as it is
    freeze_body: bool = False  # leave the whole body as it is, and the class field that reads it
    freeze_early: bool = False  # leave the body's layers up to its first output as they are (they must be pre-trained)
    optimizer: str = "adamw"  # or sgd (momentum 0.9)
    weight_decay: float = 0.02  # of kernels; biases and norms have none
    warmup: int = 200  # steps
    clip_norm: float = 5.0  # of all gradients together
    average: float = 0.998  # decay of the weights' moving average, which is validated and kept; 0: none
    seed: int = 0
    workers: int = 1
    validate_every: int = 1  # epochs
    save_every: int = 100  # steps between resumable checkpoints
    save_seconds: float = 60.0  # or this long after the last one
    schedule: str = "cosine"  # cosine, step or constant, after the warmup
    accumulate: int = 1  # parts that a step's images are worked on in, one after another, to need less memory
    bf16: bool = False  # forward passes in bfloat16; the weights stay in float32
    patience: int = 0  # validations without a better one after which training stops; 0: never
    repeat_rare: float = 0.0  # part of the images below which a class is shown more often; 0: each image once an epoch

    def scaled_lr(self) -> float:
        """``lr`` for the real number of images in a step: as the square root of it for AdamW (Malladi et al. 2022),
        in proportion to it for SGD (Goyal et al. 2017)."""
        factor = self.batch_size / REFERENCE_BATCH
        return self.lr * float(factor ** (1.0 if self.optimizer == "sgd" else 0.5))
