"""A graph with some of its layers in 8 bits, as ONNX's QuantizeLinear and DequantizeLinear say it: a runtime that knows
them computes in integers what lies between them.

Weights have a sign and a step for each channel; what flows has none and a step for each tensor. A bias is stored in 32
bits with the step of its sums, so each use of shared weights has a bias of its own.

Processors of x86 without VNNI add two neighbouring products in 16 bits, which cut what is larger. So the steps of a
channel's weights are wide enough that no two neighbours can sum to more: a file says the same everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from maskrcnn.export.int8.calibration import Tensor8, scale_and_zero
from maskrcnn.export.int8.layers import Layer, Use, flowing

MOST = 127  # of a weight, and of two neighbours: 255 (127 + 1) is less than 2^15, with 1 for what rounding adds
MOST_BIAS = 2.0**30  # steps

Ranges = Mapping[str, tuple[float, float]]


def in_int8(model: Any, layers: Collection[Layer], ranges: Ranges, held: Mapping[str, Tensor8]) -> Any:
    """A copy of an ``onnx.ModelProto`` with some layers in 8 bits.

    Args:
        model: the graph in floats.
        layers: of it.
        ranges: what 8 bits stand for, by tensor.
        held: what tensors held, by which biases make up for the means of what rounding the weights changes.

    Returns:
        The graph. Its inputs and outputs are as they were.
    """
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _Writer(copy.graph, layers, ranges, held).write()
    return copy


def neighbours(weights: np.ndarray) -> np.ndarray:
    """The largest weight, or sum of two neighbours, without its sign, of each output channel.

    Args:
        weights: ``[O, I, *kernel]``. A runtime multiplies them input by input, or place by place in the kernel.

    Returns:
        ``[O]``.
    """
    rows = weights.reshape(*weights.shape[:2], -1)
    orders = [own.reshape(len(weights), -1) for own in (rows, np.swapaxes(rows, 1, 2))]
    found = [np.abs(own).max(1) for own in orders[:1]]
    found += [np.abs(own[:, :-1] + own[:, 1:]).max(1) for own in orders if own.shape[1] > 1]
    largest: np.ndarray = np.max(found, axis=0)
    return largest


class _Writer:
    def __init__(self, graph: Any, layers: Collection[Layer], ranges: Ranges, held: Mapping[str, Tensor8]) -> None:
        self.graph, self.held = graph, held
        self.layers = [own for own in layers if all({u.given, u.made} <= set(ranges) for u in own.uses)]
        self.ranges = dict(ranges)
        self.constants = {own.name: own for own in graph.initializer}
        self.uses = {use.sums: (use, layer) for layer in self.layers for use in layer.uses}
        self.after: defaultdict[str, list[Any]] = defaultdict(list)  # nodes to add behind the maker of a tensor

    def write(self) -> None:
        """Change the graph."""
        made = self._in_steps()
        read = {use.given for use, _ in self.uses.values()}
        told = {own.name for own in self.graph.output}
        for name in sorted(made | read):
            everybody = name in made
            self._round(name, everybody, everybody and name in told)
        for layer in self.layers:
            self._store(layer)
        self._sort()

    def _in_steps(self) -> set[str]:
        """Tensors that are whole steps of 8 bits wherever they are read: what layers make, and what only merges or
        passes it on."""
        merged, passed = flowing(self.graph, self.layers)
        for name, source in passed.items():
            if source in self.ranges:
                self.ranges[name] = self.ranges[source]
        return {use.made for use, _ in self.uses.values()} | ({*merged, *passed} & set(self.ranges))

    def _round(self, name: str, everybody: bool, told: bool) -> None:
        """Round a tensor, for all that read it or for layers alone."""
        from onnx import helper

        step, zero = scale_and_zero(*self.ranges[name])
        self._constant(f"{name}.step", step)
        self._constant(f"{name}.zero", zero)
        exact, rounded = name, f"{name}.rounded"
        if told:  # the name is that of an output
            exact, rounded = f"{name}.exact", name
        for node in self.graph.node:
            for k, own in enumerate(node.input):
                if own == name and (everybody or (k == 0 and node.output[0] in self.uses)):
                    node.input[k] = rounded
            for k, own in enumerate(node.output):
                if own == name:
                    node.output[k] = exact
        code, further = f"{name}.code", [f"{name}.step", f"{name}.zero"]
        self.after[exact] += [
            helper.make_node("QuantizeLinear", [exact, *further], [code], name=f"{name}.quantise"),
            helper.make_node("DequantizeLinear", [code, *further], [rounded], name=f"{name}.dequantise"),
        ]

    def _store(self, layer: Layer) -> None:
        """A layer's weights and biases in whole numbers."""
        from onnx import helper, numpy_helper

        weights = numpy_helper.to_array(self.constants[layer.weights]).astype(np.float64)
        flat = weights.reshape(len(weights), -1)
        steps = [float(scale_and_zero(*self.ranges[use.given])[0]) for use in layer.uses]
        biases = [self._bias(use, len(weights)) for use in layer.uses]
        largest = np.max([np.abs(bias) / step for bias, step in zip(biases, steps)], axis=0)
        scale = np.maximum(neighbours(weights) / MOST, np.maximum(largest / MOST_BIAS, 1e-12)).astype(np.float32)
        codes = np.clip(np.rint(flat / scale[:, None].astype(np.float64)), -MOST, MOST)
        lost = (flat - codes * scale[:, None]).reshape(weights.shape)
        name = layer.weights
        self._constant(f"{name}.code", codes.reshape(weights.shape).astype(np.int8))
        self._constant(f"{name}.step", scale)
        self._constant(f"{name}.zero", np.zeros(len(scale), dtype=np.int8))
        self.graph.initializer.remove(self.constants[name])
        whole = [f"{name}.code", f"{name}.step", f"{name}.zero"]
        self.after[""].append(helper.make_node("DequantizeLinear", whole, [name], name=f"{name}.dequantise", axis=0))
        for use, step, bias in zip(layer.uses, steps, biases):
            self._store_bias(use, scale * np.float32(step), bias + self._made_up(use, lost))

    def _bias(self, use: Use, channels: int) -> np.ndarray:
        from onnx import numpy_helper

        if not use.bias:
            return np.zeros(channels)
        return np.asarray(numpy_helper.to_array(self.constants[use.bias]), dtype=np.float64)

    def _made_up(self, use: Use, lost: np.ndarray) -> np.ndarray:
        """What the mean input times ``lost`` adds to each channel's sums (Nagel et al. 2019, bias correction)."""
        mean = self.held[use.given].mean() if use.given in self.held else np.zeros(1)
        by_input = lost.reshape(*lost.shape[:2], -1).sum(-1)  # [O, I of a group]
        groups = max(len(mean) // by_input.shape[1], 1)
        if len(mean) != groups * by_input.shape[1] or len(by_input) % groups:
            return np.zeros(len(lost))
        split = by_input.reshape(groups, -1, by_input.shape[1])
        added: np.ndarray = np.einsum("goi,gi->go", split, mean.reshape(groups, -1)).reshape(-1)
        return added

    def _store_bias(self, use: Use, scale: np.ndarray, bias: np.ndarray) -> None:
        from onnx import helper

        name = f"{use.sums}.bias"
        codes = np.clip(np.rint(bias / scale.astype(np.float64)), -MOST_BIAS * 2, MOST_BIAS * 2 - 1)
        self._constant(f"{name}.code", codes.astype(np.int32))
        self._constant(f"{name}.step", scale)
        self._constant(f"{name}.zero", np.zeros(len(scale), dtype=np.int32))
        whole = [f"{name}.code", f"{name}.step", f"{name}.zero"]
        self.after[""].append(helper.make_node("DequantizeLinear", whole, [name], name=f"{name}.dequantise", axis=0))
        sums = {use.sums, f"{use.sums}.exact"}
        node = next(own for own in self.graph.node if own.output and own.output[0] in sums)
        del node.input[2:]
        node.input.append(name)

    def _constant(self, name: str, value: Any) -> None:
        from onnx import numpy_helper

        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))

    def _sort(self) -> None:
        """Put the new nodes right behind what makes their inputs, and drop constants that nobody reads."""
        nodes = [*self.after[""]]
        for own in self.graph.input:
            nodes += self.after[own.name]
        for node in self.graph.node:
            nodes.append(node)
            for name in node.output:
                nodes += self.after[name]
        kept = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del self.graph.node[:]
        self.graph.node.extend(kept)
        del self.graph.value_info[:]
        read = {name for node in kept for name in node.input} | {own.name for own in self.graph.output}
        for own in [own for own in self.graph.initializer if own.name not in read]:
            self.graph.initializer.remove(own)
