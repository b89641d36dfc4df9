"""Every model of detectron2's that we load, with random weights and pictures: the largest differences, as a table.

Run in the environment of ``tools/golden/record_detectron2.py``, which says how it is made, with our package beside it:

    PYTHONPATH=src .detectron2-venv/bin/python tools/parity/compare_detectron2.py --detectron2 detectron2

It needs safetensors as well. Both sides in double precision: in single precision, objects whose scores differ by less
than rounding change places on either side.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tools" / "golden"), str(ROOT / "tests" / "golden")]
import record_detectron2 as theirs  # noqa: E402
import seeded_detectron2 as made  # noqa: E402
from agreement import TOLERANCES  # noqa: E402
from agreement_detectron2 import our_findings, our_model  # noqa: E402

PROPOSALS, DETECTIONS = 60, 8


def compare(name: str, seed: int, checkout: Path) -> dict[str, float]:
    """The largest differences over both pictures in a batch, and how many objects were compared."""
    pictures = [made.pixels(index, seed) for index in (0, 1)]
    network = theirs.build(made.MODELS[name], checkout, torch.float64, seed, PROPOSALS, DETECTIONS)
    expected, _ = theirs.run(network, pictures)
    worst: dict[str, float] = defaultdict(float)
    for own, arrays in zip(our_findings(our_model(name, seed, PROPOSALS, DETECTIONS), pictures), expected):
        assert own.labels is not None and own.scores is not None
        worst["objects"] += len(own)
        if (own.labels - 1).tolist() != arrays["classes"].tolist():
            worst["boxes"] = float("inf")
            continue
        found = {"boxes": own.boxes, "scores": own.scores}
        if own.mask_logits is not None:
            found["masks"], arrays["masks"] = own.mask_logits[: theirs.MASKS].sigmoid(), arrays["mask_probs"] / 65535
        if own.keypoints is not None:
            found["keypoints"], arrays["keypoints"] = own.keypoints[..., :2], arrays["keypoints"][..., :2]
        for kind, value in found.items():
            worst[kind] = max(worst[kind], float(np.abs(value.numpy() - arrays[kind]).max(initial=0.0)))
    return dict(worst)


def main() -> None:
    """Print a row a model and seed; exit code 1 where a tolerance is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detectron2", type=Path, required=True, help="a checkout of detectron2")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--variants", nargs="*", default=list(made.MODELS), choices=list(made.MODELS))
    flags = parser.parse_args()
    theirs.bring_in(flags.detectron2)
    kinds = list(TOLERANCES)
    print(f"detectron2, double precision; tolerances: {', '.join(f'{k} {v:g}' for k, v in TOLERANCES.items())}")
    print(f"{'model':32}{'seed':>5}{'objects':>9}" + "".join(f"{kind:>11}" for kind in kinds) + f"{'s':>6}")
    failed = 0
    for name in flags.variants:
        for seed in range(1, flags.seeds + 1):
            started = time.time()
            worst = compare(name, seed, flags.detectron2)
            wrong = [kind for kind in kinds if worst.get(kind, 0.0) > TOLERANCES[kind]]
            failed += bool(wrong)
            cells = "".join(f"{worst[kind]:>11.1e}" if kind in worst else f"{'':>11}" for kind in kinds)
            row = f"{Path(made.MODELS[name].config).stem:32}{seed:>5}{worst['objects']:>9.0f}{cells}"
            print(f"{row}{time.time() - started:>6.0f}{'  WRONG' if wrong else ''}", flush=True)
    print(f"{failed} of {flags.seeds * len(flags.variants)} comparisons exceed a tolerance.")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
