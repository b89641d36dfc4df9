"""Write the fixtures of detectron2's models, ``tests/golden/detectron2.npz`` and ``.json``, with detectron2 itself.

Its compiled part has only operators that these models do not use (rotated boxes, deformable convolutions), and RoIAlign
and suppression come from torchvision; so its sources are run as they are, and nothing is built:

    git clone https://github.com/facebookresearch/detectron2
    python -m venv .detectron2-venv
    .detectron2-venv/bin/pip install torchvision===0.28.0 torch===2.13.0 numpy==2.4.6 fvcore iopath omegaconf \\
        hydra-core pycocotools termcolor tabulate cloudpickle matplotlib tqdm packaging
    .detectron2-venv/bin/python tools/golden/record_detectron2.py --detectron2 detectron2

The fixtures were made with its commit 02b5c4e2, the weights by ``tests/golden/seeded_detectron2.py``. What is stored
comes from a run in double precision; a run in single precision must find the same objects.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))

import seeded  # noqa: E402
import seeded_detectron2 as made  # noqa: E402

MASKS = 6  # of the first objects of an image, the probabilities are stored
Arrays = dict[str, np.ndarray]


def build(
    model: made.Model,
    checkout: Path,
    dtype: torch.dtype,
    seed: int = 0,
    proposals: int | None = None,
    detections: int | None = None,
) -> Any:
    """detectron2's model with the seeded weights, with fewer proposals and detections where that is asked for."""
    from detectron2.config import get_cfg
    from detectron2.modeling import build_model

    config = get_cfg()
    config.merge_from_file(str(checkout / "configs" / model.config))
    config.MODEL.DEVICE, config.MODEL.WEIGHTS = "cpu", ""
    if proposals is not None:
        config.MODEL.RPN.POST_NMS_TOPK_TEST = proposals
    if detections is not None:
        config.TEST.DETECTIONS_PER_IMAGE = detections
    network = build_model(config).eval()
    weights = {name: torch.from_numpy(value) for name, value in made.state_dict(model, seed).items()}
    network.load_state_dict(weights, strict=True)
    return network.to(dtype)


def suppress_in_double() -> None:
    """Let suppression take boxes as precise as their scores: detectron2 makes them float32, and torchvision wants both
    alike."""
    module = sys.modules["detectron2.layers.nms"]
    torchvision_s = module.box_ops  # type: ignore[attr-defined]

    class Ops:
        @staticmethod
        def batched_nms(boxes: Tensor, scores: Tensor, groups: Tensor, threshold: float) -> Tensor:
            return torchvision_s.batched_nms(boxes.to(scores.dtype), scores, groups, threshold)

    module.box_ops = Ops  # type: ignore[attr-defined]


def prepared(pixels: np.ndarray) -> dict[str, Any]:
    """A picture ``[height, width, 3]`` as detectron2's own predictor prepares it."""
    from detectron2.data.transforms import ResizeShortestEdge

    image = pixels[:, :, ::-1]  # BGR
    resize = ResizeShortestEdge([made.MIN_SIZE] * 2, made.MAX_SIZE).get_transform(image)
    resized = np.ascontiguousarray(resize.apply_image(image).transpose(2, 0, 1))
    return {"image": torch.from_numpy(resized), "height": image.shape[0], "width": image.shape[1]}


@torch.no_grad()
def run(network: Any, pictures: Sequence[np.ndarray]) -> tuple[list[Arrays], Arrays]:
    """What the network finds in each picture of a batch, and probes of its features."""
    inputs = [prepared(pixels) for pixels in pictures]
    images = network.preprocess_image(inputs)
    stages = network.backbone.bottom_up(images.tensor)
    features = network.backbone(images.tensor)
    proposals, _ = network.proposal_generator(images, features)
    found, _ = network.roi_heads(images, features, proposals)
    full = network._postprocess(found, inputs, images.image_sizes)
    probes = {name: seeded.probe(value.numpy()) for name, value in {**stages, **features}.items()}
    results = []
    for own, pasted, resized, proposed in zip(found, (one["instances"] for one in full), inputs, proposals):
        arrays = {
            "image": resized["image"].numpy()[:, ::16, ::16],
            "image_size": np.array(own.image_size),
            "proposals": proposed.proposal_boxes.tensor.float().numpy(),
            "boxes": pasted.pred_boxes.tensor.numpy(),
            "classes": pasted.pred_classes.numpy(),
            "scores": pasted.scores.numpy(),
        }
        if own.has("pred_masks"):
            probabilities = own.pred_masks[:MASKS, 0].double() * 65535
            arrays["mask_probs"] = torch.round(probabilities).numpy().astype(np.uint16)
            arrays["mask_bits"] = np.packbits(pasted.pred_masks.numpy())
        if own.has("pred_keypoints"):
            arrays["keypoints"] = pasted.pred_keypoints.numpy()
        results.append(arrays)
    return results, probes


def difference(one: Arrays, other: Arrays) -> dict[str, float]:
    """The largest differences between two runs that must have found the same objects."""
    assert one["classes"].tolist() == other["classes"].tolist(), "the runs found different objects"
    names = [name for name in ("boxes", "scores", "keypoints") if name in one]
    return {name: float(np.abs(one[name].astype(float) - other[name]).max()) for name in names}


def record(name: str, checkout: Path) -> tuple[Arrays, dict[str, Any]]:
    """All cases of one model."""
    model = made.MODELS[name]
    single, double = build(model, checkout, torch.float32), build(model, checkout, torch.float64)
    arrays: Arrays = {}
    report: dict[str, Any] = {}
    for case in model.cases:
        key = f"{name}/{'-'.join(map(str, case))}"
        pictures = [made.pixels(index) for index in case]
        results, probes = run(double, pictures)
        rounded, _ = run(single, pictures)
        arrays |= {f"{key}/probe/{stage}": value for stage, value in probes.items()}
        for index, exact, other in zip(case, results, rounded):
            arrays |= {f"{key}/{index}/{part}": value for part, value in exact.items()}
            scores = exact["scores"]
            report[f"{key}/{index}"] = {
                "objects": len(scores),
                "classes": len(set(exact["classes"].tolist())),
                "smallest_score_gap": round(float((scores[:-1] - scores[1:]).min()), 6),
                "float32_difference": difference(exact, other),
            }
    return arrays, report


def bring_in(checkout: Path) -> None:
    """Make a checkout of detectron2 importable."""
    sys.path.insert(0, str(checkout))
    import detectron2.layers  # noqa: F401

    suppress_in_double()


def main() -> None:
    """Record every model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detectron2", type=Path, required=True, help="a checkout of detectron2")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden", help="folder of the fixtures")
    flags = parser.parse_args()
    bring_in(flags.detectron2)
    import detectron2
    import torchvision

    arrays: Arrays = {}
    report: dict[str, Any] = {
        "versions": {
            "detectron2": detectron2.__version__,
            "torchvision": torchvision.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        }
    }
    for name in made.MODELS:
        more, checked = record(name, flags.detectron2)
        arrays |= more
        report |= checked
        print(name, json.dumps(checked), flush=True)
    np.savez_compressed(flags.out / "detectron2.npz", **arrays)
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in report.items())
    (flags.out / "detectron2.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
