"""A tiny model and a file for each number of dimensions."""

from pathlib import Path

import numpy as np
import torch

from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.config import PreprocessConfig
from tiny import save_photo, save_tiny_model
from tiny_signals import bumps, save_tiny_signal_model, tiny_signal_info, tiny_signal_model, write_one_series

GRID = PreprocessConfig((0.0,), (1.0,), 24, 24, size_divisor=8, spacing=(1.0,) * 3, standardise=True)


def model_and_file(folder: Path, ndim: int) -> tuple[Path, Path]:
    """Paths of a model that finds plenty and of a file in which it does."""
    folder.mkdir(parents=True, exist_ok=True)
    if ndim == 1:
        samples, _ = bumps(300)
        return save_tiny_signal_model(folder / "model.safetensors"), write_one_series(folder / "one.csv", samples)
    if ndim == 2:
        return save_tiny_model(folder / "model.safetensors"), save_photo(folder / "one.png")
    model = tiny_signal_model(ndim=3, preprocess=GRID)
    save_checkpoint(folder / "model.safetensors", model, tiny_signal_info(model, "volume"))
    np.savez(folder / "one.npz", samples=some_scan().numpy()[0], spacing=np.ones(3))
    return folder / "model.safetensors", folder / "one.npz"


def some_scan() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).normal(0, 1, (1, 24, 22, 20)).astype(np.float32))
