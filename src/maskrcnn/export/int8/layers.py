"""The layers of a graph that can be computed in 8 bits: convolutions and products with weights that never change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

STEPS = ("Relu", "Clip")  # of a layer, where nothing but they read its sums
MERGING = ("Add", "Concat")  # may be computed in 8 bits where all that they read is
PASSING = ("MaxPool", "Resize")  # whose outputs are numbers of their input


@dataclass(frozen=True)
class Use:
    """One place of a graph where a layer's weights are used.

    Attributes:
        sums: tensor that the convolution gives, which names the place.
        given: tensor that it reads.
        made: tensor after the activation; ``sums`` where there is none.
        bias: tensor that is added; empty where there is none.
    """

    sums: str
    given: str
    made: str
    bias: str


@dataclass(frozen=True)
class Layer:
    """Weights, and all places where they are used: they are stored once, so all of these are in 8 bits or none.

    Attributes:
        weights: tensor ``[O, I, *kernel]`` or ``[O, I]``, which names the layer.
        uses: in the graph's order.
    """

    weights: str
    uses: tuple[Use, ...]


def layers_of(graph: Any) -> list[Layer]:
    """The layers of an ``onnx.GraphProto``, in its order."""
    constants = {own.name for own in graph.initializer}
    readers: defaultdict[str, list[Any]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)
    told = {own.name for own in graph.output}
    uses: defaultdict[str, list[Use]] = defaultdict(list)
    for node in graph.node:
        if not _is_layer(node) or node.input[1] not in constants:
            continue
        bias = node.input[2] if len(node.input) > 2 else ""
        if bias and bias not in constants:
            continue
        sums = node.output[0]
        after = readers[sums]
        alone = len(after) == 1 and after[0].op_type in STEPS and sums not in told
        uses[node.input[1]].append(Use(sums, node.input[0], after[0].output[0] if alone else sums, bias))
    # Weights that something else reads too must stay as they are.
    return [Layer(name, tuple(own)) for name, own in uses.items() if len(own) == len(readers[name])]


def last_layers(graph: Any, layers: Sequence[Layer]) -> frozenset[str]:
    """Weights of layers behind which there is no other: what they make is what the graph says, and a step of 8 bits, or
    a number beyond what was seen, would go straight into a score or a box.

    Args:
        graph: an ``onnx.GraphProto``.
        layers: of it.
    """
    places = {use.sums for layer in layers for use in layer.uses}
    leading: set[str] = set()  # tensors from which a layer is reached
    for node in reversed(graph.node):
        if not {*node.output}.isdisjoint(places | leading):
            leading.update(node.input)
    return frozenset(layer.weights for layer in layers if not any(use.made in leading for use in layer.uses))


def flowing(graph: Any, layers: Iterable[Layer]) -> tuple[list[str], dict[str, str]]:
    """What is in 8 bits behind layers that are.

    Args:
        graph: an ``onnx.GraphProto``.
        layers: of it.

    Returns:
        Tensors that merge what such layers make, and tensors that pass on another's numbers, with that one's name.
    """
    made = {use.made for layer in layers for use in layer.uses}
    merged: list[str] = []
    passed: dict[str, str] = {}
    for node in graph.node:
        if node.op_type in MERGING and set(node.input) <= made:
            merged.append(node.output[0])
        elif node.op_type in PASSING and node.input[0] in made and _keeps_numbers(node):
            passed[node.output[0]] = node.input[0]
        else:
            continue
        made.add(node.output[0])
    return merged, passed


def _keeps_numbers(node: Any) -> bool:
    """Whether what a node gives are numbers that it read: not so where it interpolates."""
    modes = [own.s for own in node.attribute if own.name == "mode"]
    return node.op_type != "Resize" or modes == [b"nearest"]


def _is_layer(node: Any) -> bool:
    if node.op_type != "Gemm":
        return str(node.op_type) == "Conv"
    values = {own.name: own.i if own.type == own.INT else own.f for own in node.attribute}
    plain = values.get("alpha", 1.0) == values.get("beta", 1.0) == 1.0 and not values.get("transA")
    return plain and values.get("transB") == 1  # so that rows are channels, as a convolution's are
