"""A state dict as torchvision would save it, without torchvision: names and shapes are recorded, the numbers random."""

import functools
import json
from pathlib import Path

import torch

SHAPES = Path(__file__).resolve().parents[1] / "golden" / "variants.json"


@functools.cache
def shapes() -> dict[str, dict[str, list[int]]]:
    return json.loads(SHAPES.read_text())


def state_dict(variant: str, seed: int = 0) -> dict[str, torch.Tensor]:
    """Small weights, so that nothing overflows; variances are positive."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(shape, generator=generator) + 0.5
        if name.endswith("running_var")
        else (torch.rand(shape, generator=generator) - 0.5) * 0.1
        for name, shape in shapes()[variant].items()
    }
