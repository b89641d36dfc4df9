"""How much each layer alone changes what its graph says, when it is computed in 8 bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskrcnn.export.int8.calibration import Array, Calibration
from maskrcnn.export.int8.layers import Layer
from maskrcnn.export.int8.writing import in_int8


@dataclass(frozen=True)
class Sensitivity:
    """What a layer is worth in 8 bits.

    Attributes:
        graph, layer: which.
        share: of the multiply-adds of all layers, 0..1.
        noise: power of what changes in the graph's outputs, as a part of their own variance; mean of the outputs.
    """

    graph: str
    layer: Layer
    share: float
    noise: float

    @property
    def name(self) -> str:
        """For people: graph and weights."""
        return f"{self.graph}: {self.layer.weights.removesuffix('.weight')}"


def sensitivities(calibration: Calibration) -> Iterator[Sensitivity]:
    """Measure each layer of all graphs by itself, on the looks that were kept; layers that never ran are left out."""
    for name, model in calibration.models.items():
        looks, ranges = calibration.looks[name], calibration.ranges(name)
        if not looks:
            continue
        exact = _outputs(model, looks)
        for layer in calibration.layers[name]:
            share = calibration.share(name, layer)
            if share > 0:
                changed = _outputs(in_int8(model, [layer], ranges, calibration.tensors[name]), looks)
                yield Sensitivity(name, layer, share, noise(exact, changed))


def noise(exact: list[list[Array]], changed: list[list[Array]]) -> float:
    """Mean over outputs of the power of what changes, as a part of an output's variance, all looks together.

    Args:
        exact: of each look the outputs.
        changed: the same.
    """
    parts = []
    for own, other in zip(zip(*exact), zip(*changed)):
        a, b = (np.concatenate([np.asarray(x, np.float64).reshape(-1) for x in some]) for some in (own, other))
        if a.size:
            parts.append(float(np.square(b - a).mean() / max(a.var(), 1e-12)))
    return float(np.mean(parts)) if parts else 0.0


def _outputs(model: Any, looks: list[Mapping[str, Array]] | list[dict[str, Array]]) -> list[list[Array]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [session.run(None, dict(given)) for given in looks]
