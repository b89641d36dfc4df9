"""Sides that nobody labelled: they match, and teach neither boxes nor masks."""

import dataclasses

import numpy as np
import pytest
import torch

from cases import NDIMS, inner_boxes, seeded, small_model
from maskrcnn.config import LossConfig
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.data.transforms.samples import map_instances
from maskrcnn.losses.box import box_losses
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.rpn import rpn_losses
from maskrcnn.losses.sampling import SampledAnchors, SampledProposals, sample_anchors
from maskrcnn.losses.unknown import as_far_as_known, known_bins
from maskrcnn.ops.box_coding import decode_boxes, default_weights, encode_boxes
from maskrcnn.regions import AxisMap, Regions
from maskrcnn.structures import Instances, batch_images

COUNT = 6
SHAPES = {1: (64,), 2: (32, 48), 3: (16, 16, 32)}
BETAS = pytest.mark.parametrize("beta", [1 / 9, 100.0], ids=["straight", "square"])


def case(ndim, far=0.3):
    """Starts, labelled boxes, and what a model says of them ``[P, 2D]``: sides that are off by some samples."""
    starts = inner_boxes(COUNT, (40,) * ndim, seed=1)
    lengths = (starts[:, ndim:] - starts[:, :ndim]).repeat(1, 2)
    labelled, said = (starts + far * lengths * (torch.rand(COUNT, 2 * ndim, generator=seeded(k)) - 0.5) for k in (2, 3))
    return starts, labelled, said


def one_side(ndim, side):
    """bool ``[COUNT, 2D]``: of every second object the side is unknown."""
    unknown = torch.zeros(COUNT, 2 * ndim, dtype=torch.bool)
    unknown[::2, side] = True
    return unknown


def side_gradients(loss, starts, said, weights):
    """The gradient of ``loss(deltas)`` for each side of the boxes that the model says, ``[P, 2D]``."""
    sides = said.clone().requires_grad_()
    total = loss(encode_boxes(sides, starts, weights))
    total.backward()
    return total.item(), sides.grad


def rpn_loss(starts, labelled, unknown, beta):
    every, none = torch.arange(COUNT), torch.zeros(0, dtype=torch.long)
    sampled = [SampledAnchors(every, none, labelled, unknown)]
    config = LossConfig(rpn_smooth_l1_beta=beta)
    return lambda deltas: rpn_losses(torch.zeros(1, COUNT), deltas[None], starts, sampled, config)["loss_rpn_box"].total


def box_loss(starts, labelled, unknown, **changes):
    every = torch.arange(COUNT)
    sampled = [SampledProposals(starts, torch.ones(COUNT, dtype=torch.long), every)]
    targets = [Instances(labelled, torch.ones(COUNT, dtype=torch.long), unknown_sides=unknown)]
    logits, config = torch.zeros(COUNT, 2), LossConfig(**changes)
    return lambda deltas: box_losses(logits, deltas[:, None], sampled, targets, config)["loss_box"].total


LOSSES = {
    "rpn": (lambda *case, beta: rpn_loss(*case, beta), lambda ndim: (1.0,) * 2 * ndim),
    "box": (lambda *case, beta: box_loss(*case, box_smooth_l1_beta=beta), default_weights),
    "giou": (lambda *case, beta: box_loss(*case, box_loss="giou"), default_weights),
}


@NDIMS
@BETAS
@pytest.mark.parametrize("name", LOSSES)
def test_an_unknown_side_learns_nothing_and_the_known_ones_do(ndim, beta, name):
    make, weights = LOSSES[name]
    starts, labelled, said = case(ndim)
    for side in range(2 * ndim):
        unknown = one_side(ndim, side)
        total, gradient = side_gradients(make(starts, labelled, unknown, beta=beta), starts, said, weights(ndim))
        scale = gradient.abs().max()
        assert total > 0 and scale > 0
        assert gradient[unknown].abs().max() < 1e-4 * scale
        assert (gradient[~unknown].abs() > 1e-3 * scale).float().mean() > 0.9  # and every other side is learned


@NDIMS
@pytest.mark.parametrize("name", LOSSES)
def test_where_the_known_sides_are_right_nothing_is_lost(ndim, name):
    make, weights = LOSSES[name]
    starts, labelled, said = case(ndim)
    unknown = torch.rand(COUNT, 2 * ndim, generator=seeded(4)) < 0.5
    said = torch.where(unknown, said, labelled)
    total, gradient = side_gradients(make(starts, labelled, unknown, beta=1 / 9), starts, said, weights(ndim))
    assert total == pytest.approx(0, abs=1e-4)
    assert gradient.isfinite().all()
    known_all, _ = side_gradients(make(starts, labelled, None, beta=1 / 9), starts, said, weights(ndim))
    assert known_all > 0.01


@NDIMS
@pytest.mark.parametrize("name", LOSSES)
def test_a_known_side_is_pulled_towards_its_label(ndim, name):
    """One step downhill brings it nearer, and leaves the unknown side where it was."""
    make, weights = LOSSES[name]
    starts, labelled, said = case(ndim)
    unknown = torch.zeros(COUNT, 2 * ndim, dtype=torch.bool)
    unknown[:, :ndim] = True
    _, gradient = side_gradients(make(starts, labelled, unknown, beta=1 / 9), starts, said, weights(ndim))
    assert (gradient[:, :ndim].abs() < 1e-4 * gradient.abs().max()).all()
    assert torch.equal(gradient[:, ndim:].sign(), (said - labelled)[:, ndim:].sign())


@NDIMS
@pytest.mark.parametrize("name", LOSSES)
def test_known_sides_lose_what_they_lost_before(ndim, name):
    make, weights = LOSSES[name]
    starts, labelled, said = case(ndim)
    plain, gradient = side_gradients(make(starts, labelled, None, beta=1 / 9), starts, said, weights(ndim))
    nothing = torch.zeros(COUNT, 2 * ndim, dtype=torch.bool)
    same, same_gradient = side_gradients(make(starts, labelled, nothing, beta=1 / 9), starts, said, weights(ndim))
    assert plain == same and torch.equal(gradient, same_gradient)
    unknown = one_side(ndim, 0)
    _, partly = side_gradients(make(starts, labelled, unknown, beta=1 / 9), starts, said, weights(ndim))
    assert torch.equal(partly[1::2], gradient[1::2])  # objects of which every side is known


def test_a_guess_beyond_the_known_side_gives_a_target_of_some_length():
    starts = torch.tensor([[10.0, 30.0]])
    said = encode_boxes(torch.tensor([[40.0, 50.0]]), starts, (1.0, 1.0)).requires_grad_()
    wanted = as_far_as_known(torch.tensor([[12.0, 20.0]]), torch.tensor([[True, False]]), said, starts, (1.0, 1.0))
    assert wanted.tolist() == [[19.0, 20.0]]
    loss = rpn_losses(
        torch.zeros(1, 1),
        said[None],
        starts,
        [SampledAnchors(torch.tensor([0]), torch.tensor([], dtype=torch.long), wanted, torch.tensor([[True, False]]))],
        LossConfig(),
    )["loss_rpn_box"].total
    loss.backward()
    assert said.grad.isfinite().all()
    moved = decode_boxes(said.detach() - 1e-3 * said.grad, starts, (1.0, 1.0))
    assert moved[0, 1] < 50


def test_sampled_anchors_carry_the_sides_of_the_object_they_answer_for():
    anchors = torch.tensor([[0.0, 10], [20, 30], [40, 50], [60, 70]])
    target = Instances(
        anchors[[3, 1]], torch.tensor([1, 2]), unknown_sides=torch.tensor([[True, False], [False, True]])
    )
    sampled = sample_anchors(anchors, target, LossConfig(rpn_samples=8), seeded())
    assert dict(zip(sampled.positive.tolist(), sampled.unknown.tolist())) == {1: [False, True], 3: [True, False]}


def slow_known_bins(part, box, unknown, output_size):
    """Bin by bin: unknown is what lies beyond the known part on a side that nobody labelled."""
    ndim = len(output_size)
    known = np.ones(output_size, bool)
    for index in np.ndindex(*output_size):
        for axis in range(ndim):
            bins, k = output_size[ndim - 1 - axis], index[ndim - 1 - axis]
            centre = box[axis] + (k + 0.5) / bins * (box[ndim + axis] - box[axis])
            before = unknown[axis] and centre < part[axis]
            beyond = unknown[ndim + axis] and centre > part[ndim + axis]
            known[index] &= not (before or beyond)
    return known


@NDIMS
@pytest.mark.parametrize("flipped", [False, True])
def test_known_bins_are_those_of_the_slow_twin(ndim, flipped):
    shape, bins = SHAPES[ndim], (4, 5, 6)[3 - ndim :]
    parts = inner_boxes(COUNT, shape, seed=3).round()
    windows = [tuple(slice(int(a), int(b)) for a, b in zip(*p.view(2, ndim).flip(1).tolist())) for p in parts]
    masks = []
    for window in windows:
        masks.append(np.zeros(shape, bool))
        masks[-1][window] = True
    scale = tuple((-1.0 if flipped else 1.0) * (axis + 1.5) for axis in range(ndim))
    axis_map = AxisMap(scale, tuple(50.0 + axis for axis in range(ndim)))
    regions = dataclasses.replace(Regions.from_masks(masks, shape), axis_map=axis_map)
    proposals = axis_map.boxes(parts) + 4 * (torch.rand(COUNT, 2 * ndim, generator=seeded(9)) - 0.5)
    proposals[:, :ndim] -= 10
    proposals[:, ndim:] += 10
    unknown = torch.rand(COUNT, 2 * ndim, generator=seeded(5)) < 0.5
    known = known_bins(regions, proposals, unknown, bins)
    own = axis_map.boxes(torch.from_numpy(regions.boxes())).tolist()
    rows = zip(own, proposals.tolist(), unknown.tolist())
    assert np.array_equal(known.numpy(), np.stack([slow_known_bins(*row, bins) for row in rows]))
    assert 0 < known.float().mean() < 1
    assert known_bins(regions, proposals, torch.zeros_like(unknown), bins) is None
    assert known_bins(regions, proposals, None, bins) is None


def test_unknown_sides_follow_a_flip_and_stay_through_anything_else():
    unknown = torch.tensor([[True, False, False, False], [False, True, True, False]])
    instances = Instances(torch.tensor([[0.0, 0, 4, 4], [1, 1, 3, 3]]), unknown_sides=unknown)
    in_x = map_instances(instances, AxisMap((-2.0, 3.0), (9.0, 1.0))).unknown_sides
    assert in_x.tolist() == [[False, False, True, False], [True, True, False, False]]
    both = map_instances(instances, AxisMap((-2.0, -3.0), (9.0, 1.0))).unknown_sides
    assert both.tolist() == [[False, False, True, False], [True, False, False, True]]
    assert torch.equal(map_instances(instances, AxisMap((2.0, 3.0), (9.0, 1.0))).unknown_sides, unknown)


def losses_with(ndim, change):
    """The losses of a batch whose targets were changed, and the gradient of each weight."""
    model = small_model(ndim)
    samples = synthetic_samples(ndim, 2, SHAPES[ndim], channels=1)
    targets = [change(sample.target) for sample in samples]
    losses = Objective(model)(batch_images([s.image for s in samples], 16), targets, [1, 2])
    return {name: (term.total.item(), term.count) for name, term in losses.items()}


def with_sides(value):
    return lambda t: dataclasses.replace(t, unknown_sides=torch.full((len(t), t.boxes.shape[1]), value))


@NDIMS
def test_the_whole_loss_is_the_same_where_every_side_is_known(ndim):
    plain = losses_with(ndim, lambda target: target)
    assert losses_with(ndim, with_sides(False)) == plain
    unknown = losses_with(ndim, with_sides(True))
    for name in ("loss_box", "loss_rpn_box"):
        assert unknown[name][0] < 1e-3 * plain[name][0] and unknown[name][1] == plain[name][1]
    for name in ("loss_rpn_objectness", "loss_box_class"):
        assert unknown[name] == plain[name]
    assert unknown["loss_mask"][1] <= plain["loss_mask"][1]


@NDIMS
def test_bins_beyond_the_known_part_do_not_count(ndim):
    def guessed(target, value):
        low, high = target.boxes.chunk(2, -1)
        boxes = torch.cat([low - (high - low) / 2, high + (high - low) / 2], -1)
        return dataclasses.replace(target, boxes=boxes, unknown_sides=torch.full(boxes.shape, value))

    known, unknown = (
        losses_with(ndim, lambda t, value=value: guessed(t, value))["loss_mask"] for value in (False, True)
    )
    assert 0.3**ndim < unknown[1] / known[1] < 0.8**ndim  # the masks fill half of each side of their guessed boxes
    assert unknown[0] < known[0]
