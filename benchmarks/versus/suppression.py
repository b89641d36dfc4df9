"""Non-maximum suppression on the RPN's own boxes of one image, and on 10 000 boxes, spread out and in clusters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from reference import prepared_double, reference_model
from torch import Tensor

from cases import Arrays, Case, Work
from maskrcnn.models.rpn import rank
from maskrcnn.ops.nms import grouped_nms
from maskrcnn.structures import batch_images

Candidates = tuple[Tensor, Tensor, Tensor]


@torch.inference_mode()
def of_the_rpn() -> Candidates:
    """Boxes, scores and levels of the best 1000 anchors of every level."""
    images = batch_images([prepared_double(0, 800, 1333).float()])
    model = reference_model()
    features = model.backbone(images.tensor)
    logits, deltas = model.rpn(features)
    scores, boxes, levels = rank(logits, deltas, model.rpn.anchors(features, images.tensor.shape[2:]), 1000)
    return boxes[0].clone(), scores[0].clone(), levels.clone()


def drawn(clusters: int) -> Candidates:
    """10 000 boxes of 20 to 100 pixels in 1000, about as many centres as ``clusters``, or anywhere (0)."""
    generator = np.random.default_rng(clusters)
    centre = generator.uniform(0, 1000, (10_000, 2))
    if clusters:
        centre = centre[generator.integers(0, clusters, 10_000)] + generator.normal(0, 8, (10_000, 2))
    side = generator.uniform(20, 100, (10_000, 2))
    boxes = torch.from_numpy(np.concatenate([centre - side / 2, centre + side / 2], 1).astype(np.float32))
    scores = torch.from_numpy(generator.permutation(10_000).astype(np.float32) / 10_000)
    return boxes, scores, torch.zeros(10_000, dtype=torch.long)


def ours(candidates: Callable[[], Candidates]) -> Work:
    given = candidates()
    return lambda: {"kept": grouped_nms(*given, 0.7).numpy()}


def theirs(candidates: Callable[[], Candidates]) -> Work:
    from torchvision.ops import batched_nms

    given = candidates()
    return lambda: {"kept": batched_nms(*given, 0.7).numpy()}


def agree(one: Arrays, other: Arrays) -> str:
    a, b = one["kept"], other["kept"]
    return f"the same {len(a)} kept" if np.array_equal(a, b) else f"{len(set(a) ^ set(b))} of {len(b)} differ"


def case(title: str, candidates: Callable[[], Candidates]) -> Case:
    return Case(title, partial(ours, candidates), partial(theirs, candidates), agree, 9)


CASES = {
    "nms_rpn": case("NMS, the RPN's boxes of one image", of_the_rpn),
    "nms_uniform": case("NMS, 10 000 boxes anywhere", partial(drawn, 0)),
    "nms_clustered": case("NMS, 10 000 boxes in 200 clusters", partial(drawn, 200)),
}
