"""The second walk is the first one's; each planted loss is found where it was planted."""

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cases import NDIMS, few, inner_boxes, seeded, small_model
from maskrcnn.config import DetectionConfig
from maskrcnn.evaluation.misses.stages import CAUSES, SURVIVED, Stages, fates, walk
from maskrcnn.models.rpn import propose
from maskrcnn.structures import batch_images

IMAGES = {1: [(64,), (50,)], 2: [(48, 40), (33, 40)], 3: [(16, 24, 20), (16, 20, 24)]}
CONFIG = DetectionConfig(score_threshold=0.5, max_detections=3)
ANCHOR_IOU = 0.3


def cube(low, high, ndim):
    """A box from ``low`` to ``high`` along every axis."""
    return [float(low)] * ndim + [float(high)] * ndim


def grid(ndim):
    """An object to be found, and boxes that lie on it, beside it (IoU 0.3 to 0.5) and far from it."""
    on = cube(10, 30, ndim)
    beside = [*on[:ndim], on[ndim] - 11.0, *on[ndim + 1 :]]
    return torch.tensor(on), torch.tensor(beside), torch.tensor(cube(60, 80, ndim))


def stages(ndim, anchors=(), decoded=None, ranked=None, apart=None, proposals=None, scores=None, moves=None):
    """Stages in which every step keeps what is not said to be another; class scores ``[P, 2]``, moves ``[P, D]`` of
    the box along each axis, in its own lengths."""
    stack = lambda boxes: torch.stack(list(boxes)) if len(boxes) else torch.zeros(0, 2 * ndim)  # noqa: E731
    steps = [stack(anchors)]
    for given_ in (decoded, ranked, apart, proposals):
        steps.append(steps[-1] if given_ is None else stack(given_))
    count = len(steps[-1])
    scores = torch.zeros(count, 2) if scores is None else torch.tensor(scores)
    deltas = torch.zeros(count, 1, 2 * ndim)
    for row, move in enumerate(moves or ()):
        deltas[row, 0, :ndim] = 10 * torch.tensor(move)  # the weights of shifts are 10
    return Stages(*steps, scores, deltas, (100,) * ndim)


def cause(made, box, label=1, config=CONFIG):
    return CAUSES[fates(made, box[None], [label], config, ANCHOR_IOU)[0].cause]


@NDIMS
def test_the_walk_makes_the_proposals_and_detections_of_the_model(ndim):
    model = small_model(ndim, seed=1).eval()
    model.config = dataclasses.replace(model.config, detection=DetectionConfig(score_threshold=0.3, max_detections=8))
    tensors = [torch.randn(1, *shape, generator=seeded(k)) for k, shape in enumerate(IMAGES[ndim])]
    images = batch_images(tensors, 8)
    with torch.inference_mode():
        features = model.backbone(images.tensor)
        logits, deltas = model.rpn(features)
        anchors = model.rpn.anchors(features, images.tensor.shape[2:])
        proposals = propose(logits, deltas, anchors, images.spatial_shapes, model.config.selection)
        detections = model.find(features, images)
    some = 0
    for made, own, found in zip(walk(model, images), proposals, detections):
        kept = made.kept(model.config.detection)[: model.config.detection.max_detections]
        assert torch.equal(made.proposals, own)
        assert torch.equal(kept.boxes, found.boxes) and torch.equal(kept.labels, found.labels)
        assert len(made.anchors) == len(made.decoded) >= len(made.ranked) >= len(made.apart) >= len(made.proposals)
        some += len(found)
    assert some > 0


@NDIMS
def test_without_an_anchor_near_that_is_the_cause(ndim):
    on, _, far = grid(ndim)
    assert cause(stages(ndim, [far]), on) == "anchor"
    assert cause(stages(ndim), on) == "anchor"


@NDIMS
def test_an_anchor_near_from_which_no_box_reaches_it_is_the_rpn_s_box(ndim):
    on, beside, far = grid(ndim)
    assert cause(stages(ndim, [beside, far]), on) == "rpn box"


@NDIMS
def test_a_box_that_does_not_go_on_was_ranked_out(ndim):
    on, _, far = grid(ndim)
    assert cause(stages(ndim, [on, far], ranked=[far]), on) == "rank"  # by its level
    assert cause(stages(ndim, [on, far], proposals=[far]), on) == "rank"  # by all levels together


@NDIMS
def test_a_box_that_a_better_one_stands_for_was_lost_in_proposal_nms(ndim):
    on, _, far = grid(ndim)
    assert cause(stages(ndim, [on, far], apart=[far]), on) == "proposal nms"


@NDIMS
def test_a_proposal_that_the_second_stage_moves_away_is_the_box_head_s(ndim):
    on, _, _ = grid(ndim)
    made = stages(ndim, [on], scores=[[0.9, 0.0]], moves=[[1.0] * ndim])
    assert cause(made, on) == "box"


@NDIMS
def test_a_box_of_too_low_a_score_or_of_another_class_is_the_score(ndim):
    on, _, _ = grid(ndim)
    made = stages(ndim, [on], scores=[[0.4, 0.6]])
    assert cause(made, on) == "score"
    assert fates(made, on[None], [1], CONFIG, ANCHOR_IOU)[0].score == pytest.approx(0.4)
    assert cause(made, on, label=2) == CAUSES[SURVIVED]


def test_a_box_that_a_better_one_of_its_class_overlaps_was_lost_in_the_final_nms():
    truth = torch.tensor([10.0, 10, 30, 30])
    covering, better = torch.tensor([14.0, 10, 34, 30]), torch.tensor([18.0, 10, 38, 30])  # IoU 0.67 and 0.43 with it
    made = stages(2, [covering, better], scores=[[0.8, 0.0], [0.9, 0.0]])
    assert cause(made, truth) == "nms"
    assert cause(stages(2, [covering, better], scores=[[0.8, 0.0], [0.0, 0.9]]), truth) == CAUSES[SURVIVED]


@NDIMS
def test_a_box_behind_the_best_few_is_beyond_the_cap(ndim):
    on, _, _ = grid(ndim)
    others = [torch.tensor(cube(low, low + 8, ndim)) for low in (40, 55, 70)]
    made = stages(ndim, [*others, on], scores=[[0.9, 0.0]] * 3 + [[0.8, 0.0]])
    assert cause(made, on) == "cap"
    assert cause(made, on, config=dataclasses.replace(CONFIG, max_detections=4)) == CAUSES[SURVIVED]


@NDIMS
def test_the_second_stage_may_bring_back_what_the_first_had_lost(ndim):
    """No anchor near it, and yet a proposal beside it is moved onto it: it was lost later."""
    on, _, far = grid(ndim)
    shift = torch.zeros(2 * ndim)
    shift[[0, ndim]] = 10.0  # half its length: an IoU of a third
    made = stages(ndim, [far], decoded=[on - shift], scores=[[0.4, 0.0]], moves=[[0.5] + [0.0] * (ndim - 1)])
    assert cause(made, on) == "score"


def obvious_cause(made, box, label, config):
    """The same in the words of the definition: the step after the last that covers the object."""

    def covers(boxes):
        return any(_iou(box.tolist(), other) >= 0.5 for other in boxes.tolist())

    everything = made.refined(label, dataclasses.replace(config, score_threshold=-1.0)).boxes
    shown = made.refined(label, config).boxes
    kept = made.kept(config)
    own = kept.labels == label
    capped = kept[: config.max_detections]
    near = any(_iou(box.tolist(), other) >= ANCHOR_IOU for other in made.anchors.tolist())
    steps = [
        (near, "rpn box"),
        (covers(made.decoded), "rank"),
        (covers(made.ranked), "proposal nms"),
        (covers(made.apart), "rank"),
        (covers(made.proposals), "box"),
        (covers(everything), "score"),
        (covers(shown), "nms"),
        (covers(kept[own].boxes), "cap"),
        (covers(capped[capped.labels == label].boxes), CAUSES[SURVIVED]),
    ]
    return ["anchor", *(after for covered, after in steps if covered)][-1]


def _iou(a, b):
    ndim = len(a) // 2
    shared = own = other = 1.0
    for k in range(ndim):
        shared *= max(0.0, min(a[ndim + k], b[ndim + k]) - max(a[k], b[k]))
        own, other = own * (a[ndim + k] - a[k]), other * (b[ndim + k] - b[k])
    return shared / (own + other - shared)


@few
@given(st.integers(1, 3), st.integers(0, 10_000))
def test_causes_of_random_stages_follow_the_definition(ndim, seed):
    shape = (100,) * ndim
    anchors = inner_boxes(12, shape, seed)
    generator = seeded(seed)
    jitter = lambda boxes: boxes + 4 * torch.randn(boxes.shape, generator=generator)  # noqa: E731
    decoded = jitter(anchors).clamp(0, 100)
    decoded[:, ndim:] = torch.maximum(decoded[:, ndim:], decoded[:, :ndim] + 1)
    ranked, apart, proposals = decoded[:9], decoded[1:8], decoded[1:6]
    scores = torch.rand(len(proposals), 2, generator=generator)
    deltas = torch.randn(len(proposals), 2, 2 * ndim, generator=generator)
    made = Stages(anchors, decoded, ranked, apart, proposals, scores, deltas, shape)
    objects = torch.cat([anchors[::3], inner_boxes(4, shape, seed + 1)])
    labels = [1 + k % 2 for k in range(len(objects))]
    results = fates(made, objects, labels, CONFIG, ANCHOR_IOU)
    for box, label, fate in zip(objects, labels, results):
        assert CAUSES[fate.cause] == obvious_cause(made, box, label, CONFIG)
