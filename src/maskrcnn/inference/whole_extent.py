"""How far the parts of a recording reach that decide what it is: by hiding it, stretch by stretch.

A place of the network sees more than itself. In pictures and scans its features are told apart by what lies at the
place, and a region of places is a part. In recordings a motif of thirty bases may be known at its last one. So what
lies round the strongest place of a part is hidden, a few samples at a time, and the part is the stretch without which
the place says less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from maskrcnn.data.transforms.regrid import whole_file
from maskrcnn.inference.class_maps import with_parts
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.whole_parts import shares_of, whole_evidence_of
from maskrcnn.models.head import heads_of
from maskrcnn.models.whole.evidence import WholeEvidence
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances

REACH = 48  # places on either side of the strongest one
STEP = 3  # places from one hidden stretch to the next, each twice as long
LOST = 0.2  # of the largest fall: less is not of the part
MOST = 8  # parts of a file and label that are traced, the strongest
GAP = 1.5  # lengths of the shorter one: parts that lie closer are one
OVERLAP = 0.3  # IoU from which on two traced parts are one


def parts_in(predictor: Predictor, image: Tensor, spacing: Sequence[float] | None, found: Instances) -> Instances:
    """What a model that finds no objects has told of a file, as objects, see
    :func:`maskrcnn.inference.class_maps.with_parts`; of recordings how far each reaches is traced.

    Args:
        predictor: of the model.
        image: ``[C, *S]``, all of the file.
        spacing: of the file, x first, or None.
        found: in it.

    Returns:
        The objects; ``found`` itself of a model that finds objects.
    """
    parts = with_parts(found, predictor.info, image.shape[1:])
    own = whole_evidence_of(parts)
    if own is None or predictor.info.config.finds_objects or len(own.cell) > 1 or not len(parts):
        return parts
    return _traced(predictor, image, spacing, parts, own)


@torch.inference_mode()
def _traced(
    predictor: Predictor, image: Tensor, spacing: Sequence[float] | None, parts: Instances, own: WholeEvidence
) -> Instances:
    whole = whole_file(image, predictor.preprocess)
    strengths = own.read(own.contributions()[0])
    kept: list[tuple[int, int, int, int]] = []  # part, label with its sign, first sample, sample behind the last
    for i in range(min(len(parts), MOST)):
        label, sign = int(parts.labels[i]), 1 if float(parts.outputs["share"][i]) >= 0 else -1
        low, high = (int(side) for side in parts.boxes[i].tolist())
        peak = low + int((sign * strengths[label - 1, low:high]).argmax())
        first, last = _reach(predictor, whole, spacing, label, sign, peak, own)
        first, last = min(first, peak), max(last, peak + 1)
        if not any(key == sign * label and _iou(first, last, a, b) >= OVERLAP for _, key, a, b in kept):
            kept.append((i, sign * label, first, last))
    kept = one_by_one(kept)
    chosen = parts[torch.tensor([i for i, *_ in kept])]
    length = whole.shape[-1]
    numbers = np.zeros((len(kept), length), dtype=bool)
    for row, (_, _, first, last) in enumerate(kept):
        numbers[row, first:last] = True
    regions = Regions.join([Regions.from_label_map(row.astype(np.int32)) for row in numbers])
    outputs = dict(chosen.outputs)
    for row, (_, key, _, _) in enumerate(kept):
        sign = 1 if key > 0 else -1
        shares = (
            sign * shares_of(own, own.contributions()[:, abs(key) - 1], numbers[row].astype(np.int32), 1, sign)[:, 0]
        )
        for name, value in zip(("share", "share_low", "share_high"), (shares[0], shares.amin(), shares.amax())):
            outputs[name][row] = value
    return replace(chosen, boxes=torch.from_numpy(regions.boxes()), regions=regions, outputs=outputs)


def one_by_one(kept: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Join neighbours of one label that lie closer than one and a half times the shorter one's length: the halves of a
    motif may speak by themselves.

    Args:
        kept: of each part its number (the lower, the better), its label with its sign, its first sample and the one
            behind its last.

    Returns:
        The same with each group as one, under its lowest number, in the order of these.
    """
    joined: list[tuple[int, int, int, int]] = []
    for i, key, first, last in sorted(kept, key=lambda part: part[1:]):
        if joined and joined[-1][1] == key:
            j, _, low, high = joined[-1]
            if first - high <= GAP * min(high - low, last - first):
                joined[-1] = (min(i, j), key, low, max(high, last))
                continue
        joined.append((i, key, first, last))
    return sorted(joined)


def round_the_strongest(falls: np.ndarray) -> tuple[int, int]:
    """The stretch round the largest fall: what falls by ``LOST`` of it, and what is as near to that as the halves of
    one motif are (:func:`one_by_one`). What falls farther away is not of the part.

    Args:
        falls: ``[L]``, the largest above 0.

    Returns:
        The first sample and the one behind the last.
    """
    strongest = int(falls.argmax())
    edges = np.flatnonzero(np.diff(np.concatenate([[False], falls >= LOST * falls[strongest], [False]])))
    runs = [(k, 1, int(first), int(last)) for k, (first, last) in enumerate(zip(edges[::2], edges[1::2]))]
    return next((first, last) for _, _, first, last in one_by_one(runs) if first <= strongest < last)


def _reach(
    predictor: Predictor,
    whole: Tensor,
    spacing: Sequence[float] | None,
    label: int,
    sign: int,
    peak: int,
    own: WholeEvidence,
) -> tuple[int, int]:
    """The first sample and the one behind the last of what the place at ``peak`` rests on."""
    cell = own.cell[0]
    low = max(0, round(peak - REACH * cell))
    high = min(whole.shape[-1], round(peak + REACH * cell))
    batch, to_input = predictor.prepare(
        whole[:1, low:high] if predictor.preprocess.each_channel else whole[:, low:high], spacing
    )
    head = heads_of(predictor.model)["whole"]
    length, stride = batch.spatial_shapes[0][0], head.stride[0]  # type: ignore[index]
    step, long = STEP * stride, 2 * STEP * stride
    starts = range(0, max(length - step, 1), step)
    hidden = batch.tensor.repeat(len(starts) + 1, *(1,) * (batch.tensor.ndim - 1))
    for k, start in enumerate(starts, 1):
        hidden[k, :, start : start + long] = 0
    scores, attention = head(head.hidden(predictor.model.backbone(hidden)))  # type: ignore[operator]
    at = min(int((peak - low + 0.5) * to_input.scale[0] / stride), scores.shape[-1] - 1)
    near = slice(max(at - 1, 0), at + 2)
    said = sign * (
        scores[:, label - 1, near] * (attention[:, label - 1, near] - attention[0, label - 1, near]).clamp(max=2).exp()
    ).mean(-1)
    fall = (said[0] - said[1:]).cpu().numpy()
    values, seen = np.zeros(length), np.zeros(length)
    for start, value in zip(starts, fall):
        values[start : start + long] += value
        seen[start : start + long] += 1
    mean = values / np.maximum(seen, 1)
    if mean.max() <= 0:
        return peak, peak + 1
    back = to_input.inverse()
    first, last = ((edge * back.scale[0] + back.shift[0]) for edge in round_the_strongest(mean))
    return low + max(int(round(first)), 0), low + min(int(round(last)), high - low)


def _iou(a: int, b: int, c: int, d: int) -> float:
    both = max(min(b, d) - max(a, c), 0)
    return both / max(b - a + d - c - both, 1)
