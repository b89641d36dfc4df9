"""A graph as the bytes of an ONNX file, and weights in half the bytes."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maskrcnn.checks import needed_package
from maskrcnn.export.graphs import Graph

OPSET = 18
IN_STEPS = {"QuantizeLinear", "DequantizeLinear"}
SMALLEST_HALF = 256  # numbers: a smaller weight gains nothing by being stored in halves


def needed_packages() -> None:
    """Raise UsageError, which names the extra, unless what exporting needs is installed."""
    for module in ("onnx", "onnxscript", "onnxruntime"):
        needed_package(module, "export a model", "export")


def as_onnx(graph: Graph) -> Any:
    """The ``onnx.ModelProto`` of a graph."""
    dynamic = tuple(_open(example, axes) for example, axes in zip(graph.examples, graph.open_axes))
    # With gradients on, the network takes the plain forms of its operations.
    with torch.enable_grad(), _quiet():
        program = torch.export.export(
            graph.module,
            graph.examples,
            dynamic_shapes=dynamic,
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )
        made = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            verbose=False,
        )
    assert made is not None
    return made.model_proto


def _open(example: Any, axes: tuple[int, ...]) -> Any:
    """The open axes of an argument as torch.export wants them."""
    if isinstance(example, Tensor):
        return dict.fromkeys(axes, torch.export.Dim.DYNAMIC)
    return [_open(one, axes) for one in example]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own workings."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def halved(model: Any) -> Any:
    """A copy of an ``onnx.ModelProto`` whose weights are stored in halves.

    Each is made single again when the file is loaded, so nothing is computed in half precision and time and memory stay
    as they were. Steps of 8 bits stay single.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    steps = {name for node in graph.node if node.op_type in IN_STEPS for name in node.input}
    casts = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < SMALLEST_HALF or weight.name in steps:
            continue
        name, limit = weight.name, np.finfo(np.float16)
        half = values.clip(limit.min, limit.max).astype(np.float16)
        weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    for node in reversed(casts):
        graph.node.insert(0, node)
    return copy
