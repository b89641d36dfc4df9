"""Every model of torchvision's that we load, with random weights and pictures: the largest differences, as a table.

Run by ``make.py`` in an environment that has torchvision. Both sides in double precision: in single precision, objects
whose scores differ by less than rounding change places on either side.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools" / "golden"), str(ROOT / "tests" / "golden")]
import variants_model  # noqa: E402
from agreement import TOLERANCES, differences, our_findings, our_model  # noqa: E402
from variants_model import variants  # noqa: E402

# v1's Mask R-CNN has fixtures of its own; here it is one among the others.
VARIANTS = {"mask": variants.Variant("maskrcnn_resnet50_fpn", epsilons=variants.EPSILONS), **variants.VARIANTS}
LARGEST_LOGIT = 12.0  # at which a probability is still told from its neighbours
SIZE, PROPOSALS, DETECTIONS = (192, 288), 60, 8


def compare(name: str, seed: int, norm_eps: float) -> dict[str, float]:
    """The largest differences over both pictures, and how many objects were compared."""
    pictures = [variants.picture(index, seed) for index in (0, 1)]
    theirs_model = variants_model.build(name, seed, norm_eps, PROPOSALS, DETECTIONS, SIZE)
    ours_model = our_model(name, variants_model.shapes(name), seed, norm_eps, PROPOSALS, DETECTIONS)
    inputs = [torch.from_numpy(picture).double() for picture in pictures]
    unsaturate(theirs_model, ours_model, inputs)
    theirs = variants_model.find(theirs_model, inputs)
    worst: dict[str, float] = defaultdict(float)
    for ours, own in zip(our_findings(ours_model, pictures, SIZE), theirs):
        arrays = {("mask_probs" if key == "small" else key): value.numpy() for key, value in own.items()}
        for what, difference in differences(ours, arrays).items():
            worst[what] = max(worst[what], difference)
        worst["objects"] += len(ours)
    return dict(worst)


def unsaturate(theirs: torch.nn.Module, ours: torch.nn.Module, inputs: list[torch.Tensor]) -> None:
    """Make the logits of both smaller by one factor where random weights make them huge: torchvision ranks by
    probabilities, and a thousand anchors whose probability is exactly 1 have no order."""
    layers = (
        (theirs.rpn.head.cls_logits, ours.rpn.logits),
        (theirs.roi_heads.box_predictor.cls_score, ours.heads["box"].class_logits),
    )
    for their_layer, our_layer in layers:
        largest = [0.0]
        hook = their_layer.register_forward_hook(lambda _, __, out, seen=largest: seen.append(float(out.abs().max())))
        variants_model.find(theirs, inputs)
        hook.remove()
        factor = min(1.0, LARGEST_LOGIT / max(largest))
        with torch.no_grad():
            for layer in (their_layer, our_layer):
                layer.weight *= factor
                layer.bias *= factor


def main() -> None:
    """Print a row a model and seed; exit code 1 where a tolerance is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    flags = parser.parse_args()
    variants.VARIANTS.update(VARIANTS)
    kinds = list(TOLERANCES)
    print(f"torchvision, double precision; tolerances: {', '.join(f'{k} {v:g}' for k, v in TOLERANCES.items())}")
    print(f"{'model':40}{'seed':>5}{'eps':>9}{'objects':>9}" + "".join(f"{kind:>11}" for kind in kinds) + f"{'s':>6}")
    failed = 0
    for name in flags.variants:
        for seed in range(1, flags.seeds + 1):
            started = time.time()
            epsilons = VARIANTS[name].epsilons
            eps = epsilons[seed % len(epsilons)]
            worst = compare(name, seed, eps)
            wrong = [kind for kind in kinds if worst.get(kind, 0.0) > TOLERANCES[kind]]
            failed += bool(wrong)
            cells = "".join(f"{worst[kind]:>11.1e}" if kind in worst else f"{'':>11}" for kind in kinds)
            row = f"{VARIANTS[name].builder:40}{seed:>5}{eps:>9g}{worst['objects']:>9.0f}{cells}"
            print(f"{row}{time.time() - started:>6.0f}{'  WRONG' if wrong else ''}", flush=True)
    print(f"{failed} of {flags.seeds * len(flags.variants)} comparisons exceed a tolerance.")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
