"""The exported graphs in the place of the network, inside the same walks: what is measured is the file.

The network is built without a single weight. Each part that a graph stands for calls it; whatever else is called fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from maskrcnn.checks import needed_package
from maskrcnn.errors import CheckpointError
from maskrcnn.export.archive import Archive
from maskrcnn.export.pooling import by_level
from maskrcnn.models.build import build_model
from maskrcnn.models.class_field import FieldReading
from maskrcnn.models.fpn import Backbone, rescale
from maskrcnn.models.head import heads_of
from maskrcnn.models.heads.box import BoxHead
from maskrcnn.models.heads.closeup import CloseUpHead
from maskrcnn.models.heads.closeup_mask import CloseUpMaskHead
from maskrcnn.models.heads.keypoint import KeypointHead
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.heads.semantic import SemanticHead
from maskrcnn.models.mask_rcnn import MaskRCNN

Run = Any  # from arrays to arrays: a graph that runs


class Sessions:
    """The graphs of an exported model, each loaded when it is first run.

    Args:
        archive: the file.
        threads: of each graph; 0: as many as there are cores.

    Attributes:
        seen: where set, is given each graph's name and inputs before it runs: calibration looks on here.
    """

    def __init__(self, archive: Archive, threads: int = 0) -> None:
        self.graphs, self.threads = archive.graphs, threads
        self.loaded: dict[str, tuple[Any, list[str]]] = {}
        self.seen: Any = None

    def run(self, name: str, *inputs: Tensor) -> list[Tensor]:
        """What a graph gives.

        Args:
            name: of the graph.
            *inputs: in the order of its inputs; those that it does not read are left out by it.

        Returns:
            Its outputs, in their order.
        """
        session, names = self._session(name)
        arrays = dict(zip(names, (np.ascontiguousarray(own.numpy()) for own in inputs)))
        if self.seen is not None:
            self.seen(name, arrays)
        return [torch.from_numpy(array) for array in session.run(None, arrays)]

    def _session(self, name: str) -> tuple[Any, list[str]]:
        if name not in self.loaded:
            runtime = needed_package("onnxruntime", "run an exported model", "export")
            if name not in self.graphs:
                raise CheckpointError(f"The exported model has no graph {name}; export it again.")
            options = runtime.SessionOptions()
            options.intra_op_num_threads, options.log_severity_level = self.threads, 3
            session = runtime.InferenceSession(self.graphs[name], options, providers=["CPUExecutionProvider"])
            self.loaded[name] = session, [own.name for own in session.get_inputs()]
        return self.loaded[name]


class Features(list[Tensor]):
    """What a backbone of graphs gives: the features, and what the graphs have told besides.

    Attributes:
        logits, deltas: of the RPN, a level each; none where no objects are looked for.
        reading: of the class field.
    """

    logits: list[Tensor]
    deltas: list[Tensor]
    reading: FieldReading | None = None


def session_model(archive: Archive, sessions: Sessions | None = None) -> MaskRCNN:
    """The model of an exported file.

    Args:
        archive: the file.
        sessions: that run its graphs; None: new ones.

    Returns:
        A network that computes nothing but by the graphs.
    """
    sessions = sessions or Sessions(archive)
    with torch.device("meta"):
        model = build_model(archive.info.config).eval()
    for part in model.modules():
        for own in (part._parameters, part._buffers):
            for name in own:
                own[name] = None
    backbone = model.backbone
    field = model.box_head.field if model.finds_objects else None
    model.backbone = _GraphBackbone(sessions, backbone, field)  # type: ignore[assignment]
    if model.finds_objects:
        _set(model.rpn, forward=_told_by_rpn)
    for name, head in heads_of(model).items():
        run = partial(sessions.run, name)
        if isinstance(head, BoxHead):
            _set(head, forward=partial(_box, head, run), read=_reading)
        elif isinstance(head, MaskHead):
            classes = 1 if head.class_agnostic else archive.info.config.num_classes
            _set(head, forward=partial(_pooled, head, run, (classes, *head.output_size)))
        elif isinstance(head, KeypointHead):
            _set(head, forward=partial(_pooled, head, run, (head.num_keypoints, *head.output_size)))
        elif isinstance(head, CloseUpHead):
            _set(head.closeup, forward=partial(_first_of, run))
        elif isinstance(head, CloseUpMaskHead):
            _set(head.segmenter, forward=partial(_first_of, run))
        elif isinstance(head, SemanticHead):
            _set(head, forward=partial(_semantic, head, run))
    return model


def _set(module: nn.Module, **methods: Any) -> None:
    for name, method in methods.items():
        object.__setattr__(module, name, method)


class _GraphBackbone(nn.Module):
    """Body and pyramid as graphs, image by image."""

    def __init__(self, sessions: Sessions, backbone: Backbone, field: Any) -> None:
        super().__init__()
        self.sessions, self.strides, self.field = sessions, backbone.strides, field
        self.image, self.gives_first, self.rescaled = backbone.image, backbone.gives_first, backbone.rescaled

    def forward(self, x: Tensor) -> Features:
        apart = [self._look(image[None]) for image in x]
        together = Features(torch.cat(parts) for parts in zip(*apart))
        if self.image:
            together.insert(len(self.strides), x)
        together.logits = [torch.cat(parts) for parts in zip(*(own.logits for own in apart))]
        together.deltas = [torch.cat(parts) for parts in zip(*(own.deltas for own in apart))]
        readings = [own.reading for own in apart if own.reading is not None]
        if readings:
            logits, boxes = (torch.cat([getattr(own, name) for own in readings]) for name in ("logits", "boxes"))
            together.reading = FieldReading(logits, boxes, readings[0].config)
        return together

    def _look(self, image: Tensor) -> Features:
        outputs = self.sessions.run("body", image)
        first, outputs = (outputs[:1], outputs[1:]) if self.gives_first else ([], outputs)
        made, count = self.sessions.run("pyramid", *outputs), len(self.strides)
        features = Features([*made[:count], *first])
        features.logits, features.deltas = made[count : 2 * count], made[2 * count :]
        if self.field is not None:
            features.reading = self._read(image, outputs[-2:])
        return features

    def _read(self, image: Tensor, outputs: Sequence[Tensor]) -> FieldReading:
        own = self.sessions.run("field", *outputs)
        if self.rescaled is None:
            return FieldReading(own[0], own[1], self.field.config)
        smaller = rescale(image, self.rescaled, self.strides[-2])
        again = self.sessions.run("field", *self.sessions.run("body", smaller)[-2:])
        ratio = [a / b for a, b in zip(image.shape[2:], smaller.shape[2:])][::-1]
        reading: FieldReading = self.field.together((own[0], own[1]), (again[0], again[1]), ratio)
        return reading


def _told_by_rpn(features: Features) -> tuple[list[Tensor], list[Tensor]]:
    return features.logits, features.deltas


def _reading(features: Features) -> FieldReading | None:
    return features.reading


def _box(
    head: BoxHead, run: Run, features: Features, boxes: Sequence[Tensor], reading: FieldReading | None = None
) -> tuple[Tensor, Tensor]:
    reading = reading or features.reading
    ndim, classes = head.ndim, head.class_logits.out_features - head.unused
    deltas = head.box_deltas.out_features // (2 * ndim)
    told = [(torch.zeros(0, classes), torch.zeros(0, deltas, 2 * ndim))]
    for k, own in enumerate(boxes):
        if len(own):
            sorted_boxes, place = by_level(head.pool, own)
            levels = [level[k : k + 1] for level in features[: head.pool.levels]]
            field = [] if reading is None else [reading.logits[k : k + 1], reading.boxes[k : k + 1]]
            logits, moves = run(*levels, *sorted_boxes, *field)
            told.append((logits[place], moves[place]))
    return torch.cat([logits for logits, _ in told]), torch.cat([moves for _, moves in told])


def _pooled(head: Any, run: Run, shape: tuple[int, ...], features: Features, boxes: Sequence[Tensor]) -> Tensor:
    rows = [torch.zeros(0, *shape)]
    for k, own in enumerate(boxes):
        if len(own):
            sorted_boxes, place = by_level(head.pool, own)
            levels = [level[k : k + 1] for level in features[: head.pool.levels]]
            rows.append(run(*levels, *sorted_boxes)[0][place])
    return torch.cat(rows)


def _first_of(run: Run, x: Tensor) -> Tensor:
    return cast(Tensor, run(x.contiguous())[0])


def _semantic(head: SemanticHead, run: Run, features: Features, images: object = None) -> Tensor:
    read = [*features[: head.levels], *([features[head.first]] if head.own.finer else [])]
    return torch.cat([run(*(own[k : k + 1] for own in read))[0] for k in range(len(read[0]))])
