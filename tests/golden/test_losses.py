"""Given torchvision's weights and its sampled anchors and proposals, our losses and gradients are torchvision's."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import pytest
import seeded
import torch
from reference import TABLE, as_theirs, meta, prepared_double, recording, reference_model
from torch import Tensor

from maskrcnn.losses.objective import Objective
from maskrcnn.losses.rpn import rpn_losses
from maskrcnn.losses.sampling import SampledAnchors, SampledProposals
from maskrcnn.ops.boxes import pairwise_iou
from maskrcnn.ops.matching import match
from maskrcnn.regions import Regions
from maskrcnn.structures import Instances, batch_images

OUR_LOSSES = {
    "loss_objectness": "loss_rpn_objectness",
    "loss_rpn_box_reg": "loss_rpn_box",
    "loss_classifier": "loss_box_class",
    "loss_box_reg": "loss_box",
    "loss_mask": "loss_mask",
}
Recorded = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return recording("losses")


def target(recorded: Recorded, index: int) -> Instances:
    shape = tuple(recorded[f"{index}/image_size"].tolist())
    boxes = torch.from_numpy(recorded[f"{index}/boxes"])
    bits = np.unpackbits(recorded[f"{index}/mask_bits"])[: len(boxes) * np.prod(shape)]
    regions = Regions.from_masks(bits.reshape(len(boxes), *shape).astype(bool), shape)
    assert regions.areas().tolist() == recorded[f"{index}/mask_areas"].tolist()
    return Instances(boxes, torch.from_numpy(seeded.target(index)["labels"]), regions=regions)


def sampled_proposals(recorded: Recorded, index: int) -> SampledProposals:
    """The recorded proposals, positives first."""
    labels = torch.from_numpy(recorded[f"{index}/region_labels"])
    order = torch.cat([(labels > 0).nonzero().squeeze(1), (labels == 0).nonzero().squeeze(1)])
    matched = torch.from_numpy(recorded[f"{index}/region_matched"])[labels > 0]
    return SampledProposals(torch.from_numpy(recorded[f"{index}/region_boxes"]).double()[order], labels[order], matched)


@pytest.fixture(scope="module")
def computed(recorded: Recorded) -> Iterator[tuple[Objective, dict[str, Tensor], Tensor]]:
    """Our objective in double precision, its losses by torchvision's names, and the anchors."""
    objective = Objective(copy.deepcopy(reference_model()).double()).train()
    model, config = objective.model, objective.model.config.loss
    images = batch_images([prepared_double(index, 192, 256) for index in (0, 1)])
    assert images.spatial_shapes == [tuple(recorded[f"{index}/image_size"].tolist()) for index in (0, 1)]
    targets = [target(recorded, index) for index in (0, 1)]
    features = model.backbone(images.tensor)
    anchors = torch.cat(model.rpn.anchors(features, images.tensor.shape[2:]))
    sampled = []
    for index, image in enumerate(targets):
        positive, negative = (torch.from_numpy(recorded[f"{index}/anchors_{s}"]) for s in ("positive", "negative"))
        owner = match(pairwise_iou(image.boxes, anchors[positive].double()), 0.0, 0.0)
        sampled.append(SampledAnchors(positive, negative, image.boxes[owner]))
    logits, deltas = model.rpn(features)
    terms = rpn_losses(torch.cat(logits, 1), torch.cat(deltas, 1), anchors.double(), sampled, config)
    terms |= objective.head_losses(features, [sampled_proposals(recorded, i) for i in (0, 1)], targets)
    yield objective, {theirs: terms[ours].mean() for theirs, ours in OUR_LOSSES.items()}, anchors


def test_matching_finds_the_same_positive_and_negative_anchors(
    recorded: Recorded, computed: tuple[Objective, dict[str, Tensor], Tensor]
) -> None:
    for index in (0, 1):
        image = target(recorded, index)
        matched = match(pairwise_iou(image.boxes.float(), computed[2]), 0.7, 0.3, keep_best=True)
        labels = torch.where(matched >= 0, 1, torch.where(matched == -1, 0, -1))
        assert labels.tolist() == recorded[f"{index}/anchor_labels"].tolist()


@pytest.mark.parametrize("name", OUR_LOSSES)
def test_each_loss_is_that_of_torchvision(
    recorded: Recorded, computed: tuple[Objective, dict[str, Tensor], Tensor], name: str
) -> None:
    expected = recorded["losses"][meta()["losses"]["losses"].index(name)]
    assert computed[1][name].item() == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["all", *OUR_LOSSES])
def test_the_gradients_of_each_loss_are_those_of_torchvision(
    recorded: Recorded, computed: tuple[Objective, dict[str, Tensor], Tensor], name: str
) -> None:
    objective, losses, _ = computed
    about = meta()["losses"]
    row = 0 if name == "all" else 1 + about["losses"].index(name)
    loss = torch.stack(list(losses.values())).sum() if name == "all" else losses[name]
    own = dict(objective.model.named_parameters())
    parameters = {theirs: own[TABLE.our_name(theirs) or ""] for theirs in about["parameters"]}
    assert len(parameters) == len(own)
    found = torch.autograd.grad(loss, list(parameters.values()), retain_graph=True, allow_unused=True)
    gradients = {n: torch.zeros_like(p) if g is None else g for (n, p), g in zip(parameters.items(), found)}

    norms = np.array([gradient.norm().item() for gradient in gradients.values()])
    expected = recorded["gradient_norms"][row]
    np.testing.assert_allclose(norms, expected, rtol=1e-4, atol=1e-4 * expected.max() * 1e-2)
    for theirs, values in zip(about["sliced"], recorded["gradient_slices"][row]):
        flat = as_theirs(theirs, gradients[theirs]).flatten()
        at = torch.from_numpy(seeded.probe_indices(flat.numel()))
        scale = max(np.abs(values).max(), 1e-12)
        np.testing.assert_allclose(flat[at].numpy() / scale, values / scale, rtol=0, atol=1e-4, err_msg=theirs)
