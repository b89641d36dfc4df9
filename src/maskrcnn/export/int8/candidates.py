"""Exported models with more and more of their work in floats: the first that is good enough is the one to keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from maskrcnn.data.dataset import Dataset
from maskrcnn.errors import DataError
from maskrcnn.export.archive import Archive
from maskrcnn.export.int8.calibration import Calibration
from maskrcnn.export.int8.layers import last_layers
from maskrcnn.export.int8.sensitivity import Sensitivity, sensitivities
from maskrcnn.export.int8.writing import in_int8
from maskrcnn.export.onnx_files import halved
from maskrcnn.export.session_model import Sessions, session_model
from maskrcnn.inference.predictor import Predictor
from maskrcnn.training.budget import spread_order

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)  # of the multiply-adds that are left in floats, one after another
BODY = "body"  # the graph that tells nothing but features
PICTURES = 8  # that ranges are found on

Done = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Candidate:
    """A model in 8 bits.

    Attributes:
        archive: of it.
        left: the part of the multiply-adds that stays in floats, 0..1.
        floats: names of the layers that do.
    """

    archive: Archive
    left: float
    floats: tuple[str, ...] = ()


def calibrate(archive: Archive, data: Dataset, done: Done = lambda what, count, total: None) -> Calibration:
    """Run an exported model in floats on a few pictures, and see what its tensors hold.

    Args:
        archive: the model in floats.
        data: of which pictures are taken, evenly apart.
        done: is told what is done, how often, and of how many.

    Returns:
        What was held.

    Raises:
        DataError: none of the pictures can be read.
    """
    import onnx

    calibration = Calibration({name: onnx.load_from_string(own) for name, own in archive.graphs.items()})
    sessions = Sessions(archive)
    sessions.seen = calibration
    predictor = Predictor(session_model(archive, sessions), archive.info)
    chosen = sorted(spread_order(len(data))[:PICTURES])
    faults = []
    for k, index in enumerate(chosen):
        done("calibrating", k, len(chosen))
        try:
            record = data[index]
            image = data.read_image(record)
        except DataError as error:
            faults.append(str(error))
            continue
        predictor.predict([image], [record.spacing])
    if len(faults) == len(chosen):
        raise DataError(f"{data.path}: none of its images can be read; the first: {faults[0]}")
    return calibration


def measured(calibration: Calibration, done: Done = lambda what, count, total: None) -> list[Sensitivity]:
    """The sensitivity of each layer, those first that cost most for what they save."""
    total = sum(map(len, calibration.layers.values()))
    found: list[Sensitivity] = []
    for own in sensitivities(calibration):
        done("measuring layers", len(found), total)
        found.append(own)
    return sorted(found, key=lambda own: own.noise / own.share, reverse=True)


def candidates(archive: Archive, calibration: Calibration, ranked: Sequence[Sensitivity]) -> Iterator[Candidate]:
    """The model in 8 bits, first all of it but the last layers, then with more and more in floats.

    Args:
        archive: the model in floats.
        calibration: what its tensors hold.
        ranked: its layers, those first that are left in floats first.

    Yields:
        A model for each of ``SHARES``.
    """
    always = [own for own in ranked if own.layer.weights in _said(calibration, own.graph)]
    for share in SHARES:
        floats, left = list(always), sum(own.share for own in always)
        for own in ranked:
            if own not in always and left + own.share <= share:
                floats.append(own)
                left += own.share
        yield _candidate(archive, calibration, ranked, floats, left)


def _said(calibration: Calibration, name: str) -> frozenset[str]:
    """Weights whose sums are scores, boxes and masks. What the body gives are features, which others read on."""
    if name == BODY:
        return frozenset()
    return last_layers(calibration.models[name].graph, calibration.layers[name])


def _candidate(
    archive: Archive,
    calibration: Calibration,
    ranked: Sequence[Sensitivity],
    floats: Sequence[Sensitivity],
    left: float,
) -> Candidate:
    kept = {(own.graph, own.layer.weights) for own in floats}
    graphs = dict(archive.graphs)
    for name, model in calibration.models.items():
        layers = [o.layer for o in ranked if o.graph == name and (name, o.layer.weights) not in kept]
        ranges = calibration.ranges(name)
        made = in_int8(model, layers, ranges, calibration.tensors[name])
        graphs[name] = halved(made).SerializeToString()  # what stays in floats
    names = tuple(own.name for own in floats)
    noise = {own.name: float(f"{own.noise:.3g}") for own in ranked}
    own_notes = {"multiply_adds_in_floats": round(left, 4), "layers_in_floats": names, "noise_of_layers": noise}
    notes = archive.notes | {"int8": own_notes}
    return Candidate(dataclasses.replace(archive, precision="int8", graphs=graphs, notes=notes), left, names)
