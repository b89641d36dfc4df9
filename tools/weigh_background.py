"""Shift the balance between background and classes of a semantic model, as scans that it has learned from favour it.

    python tools/weigh_background.py runs/hippocampus/best.safetensors DATA/hippocampus/train --out balanced.safetensors

The Dice loss draws classes larger than their labels: a class that covers few samples gains more by one sample too many
than it loses. Each of the shifts is added to the logit of background; the one with the highest mean Dice over every
second file is kept. Prints a row of a Markdown table for each.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch

from maskrcnn.checkpoints.ours import load_checkpoint, save_checkpoint
from maskrcnn.data.class_maps.tasks import SEMANTIC, for_task
from maskrcnn.data.split import subset
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.models.heads.semantic import SemanticHead


def main() -> None:
    """A table on standard output, and the balanced model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="labelled files, which the model has learned from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shifts", type=float, nargs="+", default=[0.0, 0.2, 0.4, 0.6, 0.8])
    parser.add_argument("--every", type=int, default=2, help="look at every so many-th file")
    args = parser.parse_args()
    model, info = load_checkpoint(args.model)
    data = dataclasses.replace(open_dataset(args.data), class_names=info.class_names)
    data = subset(for_task(data, SEMANTIC), list(range(0, len(data), args.every)))
    (head,) = (own for own in model.modules() if isinstance(own, SemanticHead))
    assert head.background and head.logits.bias is not None, "the model does not tell background"
    was, best = head.logits.bias.detach().clone(), (-1.0, 0.0)
    print(
        "| shift | mean Dice | volume error of "
        + " | of ".join(info.class_names)
        + " |\n|---:|---:|"
        + "---:|" * len(info.class_names)
    )
    for shift in args.shifts:
        set_background(head, was, shift)
        metrics = evaluate(Predictor(model, info), data)[0].metrics
        errors = [f"{100 * (metrics[f'semantic/volume_error/{name}'] or 0):.1f} %" for name in info.class_names]
        dice = metrics["semantic/dice"] or 0.0
        best = max(best, (dice, shift))
        print("|", " | ".join((f"{shift:.1f}", f"{dice:.4f}", *errors)), "|", flush=True)
    set_background(head, was, best[1])
    save_checkpoint(args.out, model, info)
    print(f"{args.out} has {best[1]:.1f}.")


def set_background(head: SemanticHead, was: torch.Tensor, shift: float) -> None:
    """The layer's own biases, and ``shift`` more for background."""
    with torch.no_grad():
        head.logits.bias.copy_(was)  # type: ignore[union-attr,operator]
        head.logits.bias[0] += shift  # type: ignore[index,operator]


if __name__ == "__main__":
    main()
