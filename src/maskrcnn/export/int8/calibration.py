"""What the tensors of graphs hold while a model looks at pictures: their ranges, their means, their multiply-adds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maskrcnn.export.int8.layers import Layer, flowing, layers_of

MOST_SAMPLES, A_LOOK = 100_000, 8_192  # numbers of a tensor that its range is chosen by, in all and of one look
KEPT_LOOKS = 1  # inputs of a graph that are kept, to measure what 8 bits change
LEVELS = 255  # steps between the lowest and the highest number of 8 bits
SHARES = np.linspace(1.0, 0.3, 29)  # of the whole range that are tried

Array = np.ndarray


@dataclass
class Tensor8:
    """What a tensor held.

    Attributes:
        low, high: of all its numbers.
        samples: of them.
        total, count: sum of each channel, and how many numbers a channel has had.
    """

    low: float = 0.0
    high: float = 0.0
    samples: list[Array] = field(default_factory=list)
    total: Array | float = 0.0
    count: int = 0

    def add(self, values: Array) -> None:
        """See one more look's numbers ``[N, C, *S]``."""
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        flat = values.reshape(-1)
        if sum(map(len, self.samples)) < MOST_SAMPLES:
            self.samples.append(flat[:: len(flat) // A_LOOK + 1].copy())  # a step that no row is a multiple of
        axes = (0, *range(2, values.ndim))
        self.total = self.total + values.sum(axes, dtype=np.float64)
        self.count += flat.size // values.shape[1]

    def mean(self) -> Array:
        """Float64 ``[C]``."""
        return np.asarray(self.total) / max(self.count, 1)

    def range(self, whole: bool) -> tuple[float, float]:
        """The range that 8 bits stand for; 0 is in it.

        Args:
            whole: all that was seen; otherwise the part of it with the smallest mean square error.
        """
        if whole or not self.samples:
            return self.low, self.high
        samples = np.concatenate(self.samples).astype(np.float32)
        errors = [_error(samples, share * self.low, share * self.high) for share in SHARES]
        best = float(SHARES[int(np.argmin(errors))])
        return best * self.low, best * self.high


def scale_and_zero(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """The step of 8 bits without a sign that stand for ``low..high``, and the one that stands for 0 exactly."""
    step = max(high - low, 1e-6) / LEVELS
    return np.float32(step), np.uint8(np.clip(np.rint(-low / step), 0, LEVELS))


def _error(samples: Array, low: float, high: float) -> float:
    step, zero = scale_and_zero(low, high)
    steps = np.clip(np.rint(samples / step) + zero, 0, LEVELS) - zero
    return float(np.square(steps * step - samples).mean())


class Calibration:
    """Looks on while graphs run (:attr:`maskrcnn.export.session_model.Sessions.seen`).

    Args:
        models: ``onnx.ModelProto`` of each graph, by name.

    Attributes:
        layers: of each graph.
        tensors: what was held, by graph and tensor.
        work: multiply-adds of all looks together, by graph and layer.
        looks: inputs of each graph, of its first runs.
    """

    def __init__(self, models: Mapping[str, Any]) -> None:
        self.models = models
        self.layers: dict[str, list[Layer]] = {name: layers_of(model.graph) for name, model in models.items()}
        self.tensors: dict[str, dict[str, Tensor8]] = {name: {} for name in models}
        self.work: dict[str, dict[str, int]] = {
            name: dict.fromkeys((layer.weights for layer in own), 0) for name, own in self.layers.items()
        }
        self.looks: dict[str, list[dict[str, Array]]] = {name: [] for name in models}
        self._sessions: dict[str, tuple[Any, list[str]]] = {}

    def __call__(self, name: str, given: Mapping[str, Array]) -> None:
        """See a graph's inputs before it runs."""
        if len(self.looks[name]) < KEPT_LOOKS:
            self.looks[name].append(dict(given))
        session, names = self._session(name)
        held = dict(given) | dict(zip(names, session.run(names, dict(given))))
        tensors, work = self.tensors[name], self.work[name]
        watched = {*names, *(use.given for layer in self.layers[name] for use in layer.uses)}
        for key in watched & set(held):
            values = held[key]
            if values.dtype == np.float32 and values.size:
                tensors.setdefault(key, Tensor8()).add(values)
        for layer in self.layers[name]:
            each = self._products(name, layer)
            work[layer.weights] += sum(held[use.made].size * each for use in layer.uses)

    def share(self, name: str, layer: Layer) -> float:
        """The part of a layer, 0..1, in the multiply-adds of all layers of all graphs."""
        everything = sum(sum(own.values()) for own in self.work.values())
        return self.work[name][layer.weights] / max(everything, 1)

    def ranges(self, name: str) -> dict[str, tuple[float, float]]:
        """The range that 8 bits stand for, by tensor of a graph. What it gives keeps all of its range: the highest of
        many scores is the one that counts."""
        told = {own.name for own in self.models[name].graph.output}
        return {key: own.range(key in told) for key, own in self.tensors[name].items()}

    def _products(self, name: str, layer: Layer) -> int:
        """Multiply-adds for each number that a layer makes."""
        shape = next(own.dims for own in self.models[name].graph.initializer if own.name == layer.weights)
        return int(np.prod(shape[1:]))

    def _session(self, name: str) -> tuple[Any, list[str]]:
        """The graph with all that may be in 8 bits among its outputs."""
        if name not in self._sessions:
            import onnx
            import onnxruntime

            model = onnx.ModelProto()
            model.CopyFrom(self.models[name])
            graph = model.graph
            made = {output for node in graph.node for output in node.output}
            wanted = {name for layer in self.layers[name] for use in layer.uses for name in (use.given, use.made)}
            wanted |= {*flowing(graph, self.layers[name])[0]}
            names = sorted(wanted & made)
            told = {own.name for own in graph.output}
            graph.output.extend(onnx.ValueInfoProto(name=key) for key in names if key not in told)
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            self._sessions[name] = session, names
        return self._sessions[name]
