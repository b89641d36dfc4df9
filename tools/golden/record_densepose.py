"""Write the fixtures of DensePose's head, ``tests/golden/densepose.npz`` and ``.json``, with detectron2's own code.

    git clone https://github.com/facebookresearch/detectron2
    pip install --no-deps --target deps fvcore iopath yacs omegaconf antlr4-python3-runtime portalocker termcolor \\
        tabulate cloudpickle
    PYTHONPATH=src:deps python tools/golden/record_densepose.py --detectron2 detectron2

Nothing is built: decoder, pooler, head, predictor, losses and the way to the file are its own files, run as they are.
Its compiled operators are not needed but for RoIAlign, which it takes from torchvision; here that is ours, which
``tests/golden/test_ops.py`` holds to torchvision's. The fixtures were made with its commit 02b5c4e2, the weights by
``tests/golden/seeded_densepose.py``, in double precision.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.machinery
import json
import sys
import types
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from torch import Tensor, nn

from maskrcnn.ops.roi_align import roi_align

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))

import seeded  # noqa: E402
import seeded_densepose as made  # noqa: E402

ABSENT = ("torchvision", "pycocotools", "matplotlib", "cv2")  # what it imports and does not need here
OUTPUTS = ("coarse_segm", "fine_segm", "u", "v")
EVERY = 4  # of the decoded u and v, samples along each axis


class Absent:
    """Finds libraries that are not there, and whatever is asked of them."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if name.split(".")[0] in ABSENT or name == "detectron2._C":
            return importlib.machinery.ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = types.ModuleType(spec.name)
        module.__path__ = []
        module.__getattr__ = lambda name: MagicMock()  # type: ignore[method-assign]
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        if module.__name__ == "torchvision":
            module.__version__ = "0.28.0"  # type: ignore[attr-defined]
        if module.__name__ == "torchvision.ops":
            module.roi_align = like_torchvision  # type: ignore[attr-defined]


def like_torchvision(
    x: Tensor, boxes: Tensor, output_size: Any, spatial_scale: float, sampling_ratio: int, aligned: bool
) -> Tensor:
    """torchvision's ``roi_align`` by ours."""
    stride, index = round(1 / spatial_scale), boxes[:, 0].long()
    size = (output_size, output_size) if isinstance(output_size, int) else tuple(output_size)
    levels = torch.zeros_like(index)
    return roi_align([x], boxes[:, 1:], index, levels, [(stride, stride)], size, sampling_ratio, aligned)


def bring_in(checkout: Path) -> None:
    """Make a checkout of detectron2 importable, and of DensePose those parts alone that are needed: its package as a
    whole registers data sets."""
    project = checkout / "projects" / "DensePose" / "densepose"
    sys.path.insert(0, str(checkout))
    sys.meta_path.append(Absent())  # type: ignore[arg-type]
    for name, folder in (("densepose", project), ("densepose.data", project / "data")):
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    structures = importlib.import_module("densepose.structures")
    sys.modules["densepose"].DensePoseDataRelative = structures.DensePoseDataRelative  # type: ignore[attr-defined]


class Head(nn.Module):
    """Decoder, pooler, head and predictor as ``DensePoseROIHeads`` puts them together."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        layers = importlib.import_module("detectron2.layers")
        poolers = importlib.import_module("detectron2.modeling.poolers")
        modeling = importlib.import_module("densepose.modeling")
        heads = importlib.import_module("densepose.modeling.roi_heads.roi_head")
        own = config.MODEL.ROI_DENSEPOSE_HEAD
        names = [f"p{level}" for level in (2, 3, 4, 5)]
        shapes = {name: layers.ShapeSpec(made.FPN, stride=stride) for name, stride in zip(names, made.STRIDES)}
        if own.DECODER_ON:
            self.decoder = heads.Decoder(config, shapes, names)
        scales = tuple(1 / stride for stride in (made.STRIDES[:1] if own.DECODER_ON else made.STRIDES))
        size, ratio, kind = own.POOLER_RESOLUTION, own.POOLER_SAMPLING_RATIO, own.POOLER_TYPE
        self.pooler = poolers.ROIPooler(size, scales, ratio, kind)
        self.densepose_head = modeling.build_densepose_head(config, made.FPN)
        self.densepose_predictor = modeling.build_densepose_predictor(config, self.densepose_head.n_out_channels)

    def forward(self, levels: list[Tensor], boxes: Any) -> Any:
        levels = [self.decoder(levels)] if hasattr(self, "decoder") else levels
        return self.densepose_predictor(self.densepose_head(self.pooler(levels, [boxes])))


def config_of(model: made.Model, checkout: Path) -> Any:
    """The published settings, narrow."""
    config = importlib.import_module("detectron2.config").get_cfg()
    importlib.import_module("densepose.config").add_densepose_config(config)
    config.merge_from_file(str(checkout / "projects" / "DensePose" / "configs" / model.config))
    config.MODEL.ROI_DENSEPOSE_HEAD.CONV_HEAD_DIM = model.channels
    config.MODEL.ROI_DENSEPOSE_HEAD.DECODER_CONV_DIMS = made.CLIMB
    return config


def losses_of(config: Any, outputs: Any) -> dict[str, float]:
    """What DensePose's own loss says of the labels, each divided by its weight."""
    structures = importlib.import_module("detectron2.structures")
    chart = importlib.import_module("densepose.modeling.losses.chart")
    own = config.MODEL.ROI_DENSEPOSE_HEAD
    image = structures.Instances(made.SIDES)
    image.proposal_boxes = structures.Boxes(torch.from_numpy(made.BOXES).double())
    image.gt_boxes = structures.Boxes(torch.from_numpy(made.truth_boxes()).double())
    for boxes in (image.proposal_boxes, image.gt_boxes):
        boxes.tensor = boxes.tensor.double()
    names = {"x": "x", "y": "y", "i": "parts", "u": "u", "v": "v", "segm": "coarse"}
    image.gt_densepose = [
        types.SimpleNamespace(**{n: torch.from_numpy(np.asarray(getattr(one, k))).double() for n, k in names.items()})
        for one in made.labels()
    ]
    found = chart.DensePoseChartLoss(config)([image], outputs)
    weights = {"U": own.POINT_REGRESSION_WEIGHTS, "V": own.POINT_REGRESSION_WEIGHTS}
    weights |= {"I": own.PART_WEIGHTS, "S": own.INDEX_WEIGHTS}
    return {name: float(found[f"loss_densepose_{name}"]) / weight for name, weight in weights.items()}


@torch.no_grad()
def record(model: made.Model, checkout: Path) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Outputs, what they become in the file, and losses."""
    structures = importlib.import_module("detectron2.structures")
    converters = importlib.import_module("densepose.converters.chart_output_to_chart_result")
    config = config_of(model, checkout)
    head = Head(config)
    weights = {name.removeprefix(made.PREFIX): torch.from_numpy(w) for name, w in made.state_dict(model).items()}
    head.load_state_dict(weights, strict=True)
    head.double().eval()
    boxes = structures.Boxes(torch.from_numpy(made.BOXES))
    boxes.tensor = torch.from_numpy(made.BOXES).double()
    outputs = head([torch.from_numpy(level).double() for level in made.features()], boxes)
    arrays = {name: np.stack([seeded.probe(own.numpy()) for own in getattr(outputs, name)]) for name in OUTPUTS}
    plain = importlib.import_module("densepose.structures").DensePoseChartPredictorOutput
    single = plain(**{name: getattr(outputs, name).float() for name in OUTPUTS})  # as its converter wants them
    for k in range(len(made.BOXES)):
        result = converters.densepose_chart_predictor_output_to_result(single[k], boxes[k])
        arrays[f"labels/{k}"] = result.labels.numpy().astype(np.uint8)
        arrays[f"uv/{k}"] = result.uv[:, ::EVERY, ::EVERY].float().numpy()
    return arrays, losses_of(config, outputs)


def main() -> None:
    """Record every form."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detectron2", type=Path, required=True, help="a checkout of detectron2")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden", help="folder of the fixtures")
    flags = parser.parse_args()
    bring_in(flags.detectron2)
    arrays: dict[str, np.ndarray] = {}
    losses: dict[str, Any] = {}
    for name, model in made.MODELS.items():
        more, losses[name] = record(model, flags.detectron2)
        arrays |= {f"{name}/{key}": value for key, value in more.items()}
        parts = sorted({int(part) for k in range(len(made.BOXES)) for part in np.unique(more[f"labels/{k}"])})
        print(name, json.dumps(losses[name]), "parts", parts, flush=True)
    np.savez_compressed(flags.out / "densepose.npz", **arrays)
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in losses.items())
    (flags.out / "densepose.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
