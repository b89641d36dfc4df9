"""The floor of inference: what its multiplications would take at the rate of a large matrix product."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import torch
from reference import prepared_double, reference_model

from cases import ROOT
from maskrcnn.structures import batch_images

sys.path.append(str(Path(ROOT) / "benchmarks"))


@torch.inference_mode()
def floor_of_inference(measured: float) -> str:
    """A sentence; ``measured``: seconds that inference takes."""
    from operations import CountOperations, multiply_adds_per_second

    images = batch_images([prepared_double(0, 800, 1333).float()])
    with CountOperations() as counted, mock.patch("maskrcnn.models.nd.best_tile", lambda *_: 0):
        reference_model()(images)
    rate = multiply_adds_per_second(torch.float32)
    floor = counted.count / rate
    return (
        f"- The floor: plain sums need {counted.count / 1e9:.0f} G multiply-adds; at the {rate / 1e9:.0f} G/s of a "
        f"large matrix product they take {floor:.2f} s, and ours takes {measured / floor:.2f} times that (tiles need "
        f"fewer multiplications, so it may be under 1)."
    )
