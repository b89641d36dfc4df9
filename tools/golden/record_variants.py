"""Record what torchvision's other models find in the two pictures: ``variants.json`` and ``variants.npz``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import variants_model
from variants_model import variants


def record() -> tuple[dict[str, np.ndarray], dict[str, Any], dict[str, Any]]:
    """Arrays, the report for ``meta.json``, and names and shapes of every state dict."""
    arrays: dict[str, np.ndarray] = {}
    report, shapes = {}, {}
    pictures = [torch.from_numpy(variants.picture(index, 0)).double() for index in (0, 1)]
    for name, variant in variants.VARIANTS.items():
        shapes[name] = variants_model.shapes(name)
        for eps in variant.epsilons:
            for index, found in enumerate(variants_model.find(variants_model.build(name, 0, eps), pictures)):
                key = f"{name}/{eps:g}/{index}"
                for part in ("boxes", "labels", "scores", "keypoints"):
                    if part in found:
                        value = found[part].numpy()
                        arrays[f"{key}/{part}"] = value.astype(np.float32) if part == "keypoints" else value
                if "small" in found:
                    arrays[f"{key}/mask_probs"] = (found["small"].numpy() * 65535).round().astype(np.uint16)
                scores = found["scores"]
                report[key] = {
                    "detections": len(scores),
                    "classes": len(set(found["labels"].tolist())),
                    "best_score": round(scores.max().item(), 4) if len(scores) else None,
                }
                print(key, report[key], flush=True)
    return arrays, report, shapes
