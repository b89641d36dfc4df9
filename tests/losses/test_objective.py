"""The walk of training as a whole: what it returns, what follows from what, and where its gradients go."""

import dataclasses

import pytest
import torch

from cases import NDIMS, small_config, small_model
from maskrcnn.config import SelectionConfig
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.losses.objective import Objective
from maskrcnn.losses.terms import add_terms
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, batch_images

SHAPES = {1: (64,), 2: (32, 48), 3: (16, 16, 32)}
RPN = {"loss_rpn_objectness", "loss_rpn_box"}
BOX = {"loss_box_class", "loss_box"}
MASK_BINS = 8


def batch(ndim, count=4):
    """Images, targets and seeds."""
    samples = synthetic_samples(ndim, count, SHAPES[ndim], channels=1)
    return batch_images([s.image for s in samples], 16), [s.target for s in samples], [10 + s.index for s in samples]


def losses_of(model, images, targets, seeds):
    with torch.no_grad():
        return Objective(model)(images, targets, seeds)


def assert_same(losses, expected, **tolerance):
    assert losses.keys() == expected.keys()
    for name, term in losses.items():
        assert term.count == expected[name].count
        torch.testing.assert_close(term.total, expected[name].total, **tolerance)


@NDIMS
def test_each_head_adds_its_losses(ndim):
    images, targets, seeds = batch(ndim)
    assert losses_of(small_model(ndim), images, targets, seeds).keys() == RPN | BOX | {"loss_mask"}
    assert losses_of(small_model(ndim, mask_head=None), images, targets, seeds).keys() == RPN | BOX


@NDIMS
def test_counts_are_those_of_what_was_sampled(ndim):
    images, targets, seeds = batch(ndim)
    losses = losses_of(small_model(ndim), images, targets, seeds)
    config = small_config(ndim).loss
    assert losses["loss_rpn_objectness"].count == losses["loss_rpn_box"].count == len(targets) * config.rpn_samples
    assert 0 < losses["loss_box_class"].count == losses["loss_box"].count <= len(targets) * config.box_samples
    positives = losses["loss_mask"].count / MASK_BINS**ndim
    assert sum(len(target) for target in targets) <= positives <= len(targets) * config.box_samples / 4


@NDIMS
@pytest.mark.parametrize("norm", ["group", "frozen"])
def test_training_and_evaluation_mode_give_the_same_losses(ndim, norm):
    backbone = dataclasses.replace(small_config(ndim).backbone, norm=norm)
    model, inputs = small_model(ndim, backbone=backbone), batch(ndim)
    assert_same(losses_of(model.train(), *inputs), losses_of(model.eval(), *inputs), rtol=0, atol=0)


def test_losses_follow_from_the_seeds():
    model, (images, targets, seeds) = small_model(2), batch(2)
    first, again = (losses_of(model, images, targets, seeds) for _ in range(2))
    assert_same(first, again, rtol=0, atol=0)
    other = losses_of(model, images, targets, [seed + 1 for seed in seeds])
    assert not torch.equal(first["loss_rpn_objectness"].total, other["loss_rpn_objectness"].total)


@NDIMS
def test_two_halves_of_a_batch_add_up_to_the_whole(ndim):
    model = small_model(ndim).double()
    images, targets, seeds = batch(ndim)
    images.tensor = images.tensor.double()
    whole = losses_of(model, images, targets, seeds)
    halves = []
    for half in (slice(0, 2), slice(2, 4)):
        part = batch_images(list(images.tensor[half]), 16)
        halves.append(losses_of(model, part, targets[half], seeds[half]))
    assert_same(add_terms(halves), whole, rtol=1e-5, atol=1e-5)


@NDIMS
def test_gradients_reach_every_weight(ndim):
    """Body, pyramid, RPN and heads, when the loss looks at every anchor."""
    model = small_model(ndim, loss=dataclasses.replace(small_config(ndim).loss, rpn_samples=100_000))
    losses = Objective(model)(*batch(ndim))
    sum(term.mean() for term in losses.values()).backward()
    untouched = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert untouched == []
    assert all(p.grad.isfinite().all() for p in model.parameters())


@NDIMS
@pytest.mark.parametrize(
    "loss, parts",
    [
        ("loss_rpn_objectness", ("rpn.logits",)),
        ("loss_rpn_box", ("rpn.deltas",)),
        ("loss_box_class", ("heads.box.class_logits",)),
        ("loss_box", ("heads.box.box_deltas",)),
        ("loss_mask", ("heads.mask",)),
    ],
)
def test_each_loss_teaches_its_own_predictor_and_the_body(ndim, loss, parts):
    model = small_model(ndim)
    Objective(model)(*batch(ndim))[loss].mean().backward()
    predictors = ("rpn.logits", "rpn.deltas", "heads.box.class_logits", "heads.box.box_deltas", "heads.mask")
    for prefix in (*predictors, "backbone.body", "backbone.fpn"):
        learns = any(p.grad is not None and p.grad.any() for n, p in model.named_parameters() if n.startswith(prefix))
        assert learns == (prefix in parts or prefix.startswith("backbone")), prefix


def without_objects(target):
    return target[torch.zeros(len(target), dtype=torch.bool)]


@NDIMS
def test_a_batch_without_objects_is_an_ordinary_one(ndim):
    images, targets, seeds = batch(ndim)
    model = small_model(ndim)
    losses = Objective(model)(images, [without_objects(target) for target in targets], seeds)
    sum(term.mean() for term in losses.values()).backward()
    assert losses["loss_rpn_objectness"].total > 0
    assert losses["loss_box_class"].total > 0
    for name in ("loss_rpn_box", "loss_box", "loss_mask"):
        assert losses[name].total.item() == 0
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@NDIMS
def test_a_batch_without_objects_or_proposals_is_an_ordinary_one(ndim):
    """An RPN that proposes nothing: no box is as long as ten images."""
    nothing = SelectionConfig(min_box_size=10.0 * max(SHAPES[ndim]))
    model = small_model(ndim, loss=dataclasses.replace(small_config(ndim).loss, train_selection=nothing))
    images, targets, seeds = batch(ndim)
    losses = Objective(model)(images, [without_objects(target) for target in targets], seeds)
    sum(term.mean() for term in losses.values()).backward()
    assert {losses[name].count for name in BOX | {"loss_mask"}} == {0}
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@NDIMS
def test_an_image_without_objects_changes_nothing_about_its_neighbours(ndim):
    images, targets, seeds = batch(ndim, 2)
    model = small_model(ndim).double()
    images.tensor = images.tensor.double()
    both = losses_of(model, images, [targets[0], without_objects(targets[1])], seeds)
    alone = losses_of(model, batch_images([images.tensor[0]], 16), targets[:1], seeds[:1])
    torch.testing.assert_close(both["loss_mask"].total, alone["loss_mask"].total, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(both["loss_box"].total, alone["loss_box"].total, rtol=1e-5, atol=1e-5)
    assert both["loss_rpn_box"].count == 2 * alone["loss_rpn_box"].count


@NDIMS
def test_targets_without_masks_have_no_mask_loss(ndim):
    images, targets, seeds = batch(ndim, 2)
    model = small_model(ndim)
    both = losses_of(model, images, targets, seeds)
    boxes_only = [dataclasses.replace(target, regions=None) for target in targets]
    first_only = losses_of(model, images, [targets[0], boxes_only[1]], seeds)
    neither = losses_of(model, images, boxes_only, seeds)
    assert both["loss_mask"].count > first_only["loss_mask"].count > neither["loss_mask"].count == 0
    assert neither["loss_mask"].total.item() == 0
    for name in RPN | BOX:
        assert torch.equal(neither[name].total, both[name].total)


@NDIMS
def test_an_object_whose_mask_nobody_drew_does_not_count(ndim):
    """Its box does."""
    images, (target, *_), seeds = batch(ndim, 1)
    empty = dataclasses.replace(target, regions=Regions.blank(SHAPES[ndim], len(target)))
    mixed_regions = Regions.from_windows(
        SHAPES[ndim],
        [(target.regions.offsets[0], target.regions.window(0))]
        + [((0,) * ndim, target.regions.window(0)[(slice(0, 0),) * ndim])] * (len(target) - 1),
    )
    mixed = dataclasses.replace(target, regions=mixed_regions)
    model = small_model(ndim)
    drawn, some, none = (losses_of(model, images, [t], seeds) for t in (target, mixed, empty))
    assert none["loss_mask"].count == 0
    assert (0 < some["loss_mask"].count < drawn["loss_mask"].count) or len(target) == 1
    assert torch.equal(none["loss_box"].total, drawn["loss_box"].total)


@NDIMS
def test_an_image_that_is_all_crowd_teaches_nothing(ndim):
    images, _, seeds = batch(ndim, 1)
    everywhere = torch.tensor([[-100.0] * ndim + [200.0] * ndim])
    target = Instances(everywhere, torch.tensor([1]), crowd=torch.tensor([True]))
    losses = losses_of(small_model(ndim), images, [target], seeds)
    assert {(term.total.item(), term.count) for term in losses.values()} == {(0.0, 0)}
